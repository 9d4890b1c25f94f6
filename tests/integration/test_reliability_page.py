"""Every promise of docs/reliability.md names a test that exists, and the figures of the code."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from bridge.broker import (
    dial,
    home_assistant_start,
    next_try,
    receive_check,
    subscriptions,
    takeover,
)
from bridge.config import state_file
from bridge.config.tables.config import PollingSettings
from bridge.contract import supervised
from bridge.contract.errors import SignInUnreadableError
from bridge.contract.retry import RETRY_AFTER_MOST_S
from bridge.microsoft.graph import THROTTLE_MOST_S
from bridge.polling import failed_read, freshness
from bridge.publishing import account_messages, beats
from bridge.publishing.request_queue import WAITING_MOST
from bridge.service import signals
from bridge.web.access import password_file, wrong_passwords
from bridge.web.serving.limits import CALM_S, SHARE, Limits
from drivers.runtime import abilities, lamp, stopping, trouble
from drivers.settings import Common
from tests.fakes.rows import rows

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ") and line.count(" | ") == 3]
PROMISES = [row for row in ROWS if not row.startswith("| fault |")]
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
A_REQUEST_S = 10.0
"""Of Microsoft; ``test_the_deadline_of_the_product_is_ten_seconds``."""

SAID = [
    ("at most {:g} s apart", next_try.MOST_S),
    ("keepalive of {:g} s", dial.KEEPALIVE_S),
    ("tried after {:g}, {:g}, then every {:g} s", *next_try.REFUSED_S),
    ("asked again after {:g}, {:g}, {:g}, then every {:g} s", *subscriptions.RETRY_S),
    ("been `offline` for {:g} to {:g} s", *takeover.GONE_S),
    ("nothing was said there for {:g} s", takeover.SILENT_S),
    ("tried after {:g}, {:g}, {:g}, {:g}, then every {:g} s", *next_try.THROWN_OUT_S),
    ("lamps' topics too | {:g} s |", beats.BEAT_S),
    ("after up to {:g} s away", sum(next_try.QUICK_S) / 2 // 1),
    ("waits that double, to {:g} s,", THROTTLE_MOST_S),
    ("more than {:g} requests wait at once", WAITING_MOST),
    ("values of single accounts after {:g} s", account_messages.STATE_EXPIRY_S),
    ("could refresh for {:g} minutes", freshness.STALE_AFTER_S / 60),
    ("at the slowest pace ({:g} s)", PollingSettings().slowest),
    ("ever rarer, to {:g} s", failed_read.PATIENT_MOST_S),
    (
        "after {:g} minutes of it",
        failed_read.PATIENT_MOST_S / PollingSettings().slowest * failed_read.PATIENT_AFTER_S / 60,
    ),
    ("tried again after {:g} s, and nobody hears of it", failed_read.DOUBT_S),
    (
        "tried after {:g} s, then rarer, to {:g} s",
        failed_read.REFUSED_FIRST_S,
        failed_read.REFUSED_MOST_S,
    ),
    ("given up after {:g} s in all", A_REQUEST_S),
    ("the broker says `offline` after {:g} s", dial.WILL_DELAY_S),
    ("after their `grace` ({:g} s)", Common(kind="console").grace),
    ("starts again after {:g} s, then rarer, to {:g} s", supervised.FIRST_S, supervised.MOST_S),
    ("the bridge ends now; one line | {:g} s |", state_file.RETRY_S),
    ("and the command | {:g} s after", SignInUnreadableError.LOOK_AGAIN_S),
    (
        "said within {:g} s, in health | {:g} s after",
        receive_check.PROOF_S,
        receive_check.ASK_AGAIN_S,
    ),
    ("turns to `offline` within {:g} s", abilities.LOOK_EVERY_S),
    ("the newest look waits | {:g} s |", trouble.RETRY_MOST_S),
    ("| {:g} s; after `pair` {:g} s |", trouble.REFUSED_S, lamp.MENDED_EVERY_S),
    ("left as it is after {:g} s", lamp.LEAVE_S),
    ("within {:g} s of its birth message", home_assistant_start.WAIT_S[1]),
    ("one try in {:g} minutes", wrong_passwords.MOST_S / 60),
    ("| {:g} s, or at once by `reload` |", 2 * password_file.LOOK_S),
    ("cut off after {:g} s", Limits.of_files(1024).request_s),
    ("| {:g} s after it ends |", CALM_S),
]


@rows("row", PROMISES)
def test_every_promise_names_a_test_that_exists(row: str) -> None:
    named = TEST.findall(row.split(" | ")[3])
    assert named
    assert not TEST.sub("", row.split(" | ")[3]).strip(" ,|")
    for file, name in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"(?m)^(async )?def {name}\(", text), f"{file}::{name}"


@rows("said", SAID)
def test_the_figures_are_those_of_the_code(said: tuple[str, float]) -> None:
    text, *values = said
    assert text.format(*values) in PAGE


def test_both_programs_stop_within_what_is_promised() -> None:
    promised_s = 10
    assert f"a stop ends in {promised_s} s" in PAGE
    assert promised_s > signals.STOP_S + signals.LEFTOVER_S + signals.LAST_WORDS_S
    assert promised_s > stopping.STOP_S
    assert timedelta(seconds=RETRY_AFTER_MOST_S) == timedelta(hours=1)
    assert "an hour at the most" in PAGE
    assert 1 / SHARE == 0.25
    assert "a quarter of the files" in PAGE
