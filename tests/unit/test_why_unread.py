from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.polling import Status
from bridge.service.followed_accounts import why_unread
from tests.fakes.rows import rows

Table = tuple[Status, SignIn]

BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = datetime(2026, 11, 23, 9, 5, tzinfo=UTC)
IN = SignIn(SignInState.SIGNED_IN)
GOOD = (Status(name="Carol"), IN)
OUT = (Status(problem="Nobody is signed in.", name="Alice"), SignIn())
CODE = (Status(problem="Nobody is signed in."), SignIn(SignInState.CODE_PENDING))
REFUSED = (
    Status(problem="x"),
    SignIn(SignInState.ERROR, message="Not allowed.", remedy="Ask your admin."),
)
PAUSED = (Status(problem="wait", throttled_until=UNTIL), IN)
OFFLINE = (Status(problem="no network", name="Dave"), IN)
STARTING = (Status(name="Erin"), SignIn())
PAUSE = "Microsoft asked us to wait until 10:05; reading goes on by itself then."


@pytest.mark.parametrize(
    ("sources", "text"),
    [
        ([], "Nobody is followed. Add a person first."),
        ([OUT], "Alice is not signed in. Sign in first."),
        ([CODE], "Nobody is signed in. Sign in first."),
        ([OUT, CODE], "Nobody is signed in. Sign in first."),
        ([OUT, PAUSED, REFUSED], PAUSE),
        ([OUT, REFUSED], "Not allowed. Ask your admin."),
    ],
)
def test_it_says_why_nothing_can_be_read(sources: list[Table], text: str) -> None:
    why = why_unread(sources, BERLIN)
    assert str(why) == text
    assert isinstance(why, TryAgainError if text == PAUSE else PersonMustActError)


@rows("other", [OUT, REFUSED, PAUSED])
@rows("good", [GOOD, OFFLINE, STARTING])
def test_where_one_can_be_read_there_is_nothing_to_say(other: Table, good: Table) -> None:
    assert why_unread([other, good], None) is None
