from __future__ import annotations

import re

from bridge.web.metrics import metrics
from bridge.web.snapshot import Snapshot
from tests.fakes.web_page import NOON, light, person, service, waiting

LINE = re.compile(
    r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? \S+'
)


def test_the_numbers_of_the_page_are_there() -> None:
    text = metrics(Snapshot(service(reconnects=2), (person(), waiting("bob")), (light(),)))
    for line in (
        'presence_bridge_info{version="1.2.3"} 1',
        "presence_bridge_broker_connected 1",
        "presence_bridge_broker_reconnects_total 2",
        "presence_bridge_requests_last_hour 731",
        f"presence_bridge_last_poll_ok_seconds {NOON.timestamp() - 4:.10g}",
        'presence_account_fresh{account="alice"} 1',
        'presence_account_signed_in{account="bob"} 0',
        'presence_account_presence{account="alice",kind="call"} 1',
        'presence_account_presence{account="alice",kind="busy"} 0',
        'presence_light_reachable{light="desk"} 1',
    ):
        assert line in text.splitlines()


def test_what_is_not_known_is_left_out() -> None:
    text = metrics(Snapshot(service(last_poll_ok=None)))
    assert "last_poll_ok" not in text
    assert "throttled_until" not in text
    assert "presence_account" not in text


def test_every_line_is_one_of_the_format_whatever_a_driver_is_called() -> None:
    odd = light('a"b\\c\nd')
    text = metrics(Snapshot(service(), (person(),), (odd,)))
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
