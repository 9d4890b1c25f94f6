from __future__ import annotations

import re
from typing import Any

from bridge.web.data.snapshot import Snapshot
from bridge.web.metrics import metrics
from tests.fakes.web_page import NOON, light, person, service, waiting

LINE = re.compile(
    r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? \S+'
)


def text_of(*parts: Any) -> str:
    return metrics(Snapshot(*parts)).decode()


def test_the_numbers_of_the_page_are_there() -> None:
    text = text_of(service(reconnects=2), (person(), waiting("bob")), (light(),))
    for line in (
        'presence_bridge_info{version="1.2.3"} 1.0',
        "presence_bridge_broker_connected 1.0",
        "presence_bridge_broker_reconnects_total 2.0",
        "presence_bridge_requests_last_hour 731.0",
        f"presence_bridge_last_poll_ok_seconds {(NOON.timestamp() - 4) / 1e9}e+09",
        'presence_account_fresh{account="alice"} 1.0',
        'presence_account_signed_in{account="bob"} 0.0',
        'presence_account_presence{account="alice",kind="call"} 1.0',
        'presence_account_presence{account="alice",kind="busy"} 0.0',
        'presence_light_reachable{light="desk"} 1.0',
    ):
        assert line in text.splitlines()


def test_of_very_many_people_only_the_sums_are_published() -> None:
    text = text_of(service(), tuple(person(f"p{number}") for number in range(501)))
    assert 'presence_people{kind="call"} 501.0' in text.splitlines()
    assert 'account="' not in text


def test_what_is_not_known_is_left_out() -> None:
    text = text_of(service(last_poll_ok=None))
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in samples if re.match("presence_(account|bridge_(last|thr))", line)]


def test_every_line_is_one_of_the_format_whatever_a_driver_is_called() -> None:
    odd = light('a"b\\c\nd')
    text = text_of(service(), (person(),), (odd,))
    assert r'{light="a\"b\\c\nd"}' in text
    seen: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            name, kind = line.split()[2:]
            assert kind in ("gauge", "counter")
            assert (kind == "counter") == name.endswith("_total")
            assert name not in seen
            seen.add(name)
        elif not line.startswith("# HELP"):
            assert LINE.fullmatch(line), line
            assert re.split(r"[ {]", line)[0] in seen
    assert text.endswith("\n")
