from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.status import TEXTS, Status, shown_status, status_of
from tests.fakes.rows import rows

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL, out_of_office=True)
FACTS = AccountFacts(
    "alice",
    "Alice",
    presence=CALL,
    since=NOW,
    polled_at=NOW + timedelta(minutes=5),
    fresh=True,
    sign_in=SignIn(SignInState.SIGNED_IN),
)


@rows(
    ("availability", "activity", "status"),
    [
        (Availability.BUSY, Activity.IN_A_CALL, Status.IN_A_CALL),
        (Availability.BUSY, Activity.IN_A_CONFERENCE_CALL, Status.IN_A_CALL),
        (Availability.DO_NOT_DISTURB, Activity.PRESENTING, Status.PRESENTING),
        (Availability.BUSY, Activity.IN_A_MEETING, Status.IN_A_MEETING),
        (Availability.BUSY_IDLE, Activity.INACTIVE, Status.BUSY),
        (Availability.AVAILABLE_IDLE, Activity.INACTIVE, Status.AVAILABLE),
        (Availability.OFFLINE, Activity.OFF_WORK, Status.OFFLINE),
        (Availability.OTHER, Activity.OTHER, Status.UNNAMED),
        (None, None, Status.UNNAMED),
    ],
)
def test_the_strongest_of_what_is_true_is_said(
    availability: Availability | None, activity: Activity | None, status: Status
) -> None:
    assert status_of(Presence(availability, activity)) is status


def test_an_out_of_office_hides_neither_call_nor_meeting_but_all_else() -> None:
    away = Presence(Availability.AWAY, Activity.AWAY, out_of_office=True)
    assert status_of(CALL) is Status.IN_A_CALL
    assert status_of(away) is Status.OUT_OF_OFFICE


def test_what_is_shown_says_why_where_nobody_knows() -> None:
    assert shown_status(FACTS) == (Status.IN_A_CALL, NOW)
    stale = replace(FACTS, fresh=False)
    assert shown_status(stale) == (Status.TOO_OLD, FACTS.polled_at)
    for state in (SignInState.EXPIRED, SignInState.SIGNED_OUT, SignInState.CODE_PENDING):
        out = replace(stale, sign_in=SignIn(state))
        assert shown_status(out) == (Status.SIGN_IN_NEEDED, None)
    refused = replace(stale, sign_in=SignIn(SignInState.ERROR))
    assert shown_status(refused) == (Status.REFUSED, None)
    unread = replace(FACTS, presence=None)
    assert shown_status(unread) == (Status.NOT_READ, None)


def test_every_status_has_words() -> None:
    assert TEXTS.keys() == set(Status)
