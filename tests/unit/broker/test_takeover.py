"""When the place of who was thrown out is free, as somebody beside it hears."""

from __future__ import annotations

from bridge.broker.session import Received
from bridge.broker.takeover import GONE_S, NOBODY_S, SILENT_S, Place
from tests.fakes.rows import rows

Heard = tuple[float, str, bool]
ONLINE, OFFLINE, LATE = (0, "online", True), (0, "offline", True), (40, "offline", False)


def place(*heard: Heard) -> Place:
    seen = Place(since_s=0)
    for at_s, text, is_stored in heard:
        seen = seen.heard(Received("presence/bridge/state", text.encode(), is_stored), at_s)
    return seen


@rows(
    ("heard", "free_s"),
    [
        ((), NOBODY_S[0]),
        ((OFFLINE,), NOBODY_S[0]),
        ((ONLINE,), SILENT_S),
        ((ONLINE, (120, "online", False)), 120 + SILENT_S),
        ((ONLINE, LATE), 40 + NOBODY_S[0]),
        ((ONLINE, (30, "online", False), LATE), 40 + GONE_S[0]),
        ((ONLINE, LATE, (41, "online", False)), 41 + SILENT_S),
        ((ONLINE, LATE, (50, "offline", False)), 40 + NOBODY_S[0]),
        ((ONLINE, (30, "online", False), (40, "", False)), 40 + GONE_S[0]),
    ],
)
def test_the_place_is_free_some_time_after_the_last_sign_of_life(
    heard: tuple[Heard, ...], free_s: float
) -> None:
    assert place(*heard).free_s(part=0) == free_s


def test_two_who_wait_do_not_come_at_once() -> None:
    assert place(OFFLINE).free_s(part=1) == NOBODY_S[1]
