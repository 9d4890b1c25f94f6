import json
from dataclasses import replace
from datetime import timedelta

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.account_messages import changes, sign_in_event, without_code
from tests.fakes.clock import ManualClock
from tests.fakes.rows import rows

TOPICS, NOW = Topics(), ManualClock().now()
FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE, sequence_number="A1")
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL, sequence_number="A2")
GONE = Presence(Availability.OFFLINE, Activity.OFFLINE)
FACTS = AccountFacts(
    "alice",
    "Alice",
    presence=FREE,
    changed_at=NOW,
    polled_at=NOW,
    valid_until=NOW + timedelta(seconds=300),
    fresh=True,
    sign_in=SignIn(SignInState.SIGNED_IN),
)


def leaves(messages: list[Message]) -> list[str]:
    return [message.topic.removeprefix("presence/account/alice/") for message in messages]


def after(before: AccountFacts, facts: AccountFacts) -> list[Message]:
    return changes(TOPICS, before, facts, NOW)


def test_the_first_facts_are_published_whole_and_make_no_event() -> None:
    messages = changes(TOPICS, None, FACTS, NOW)
    assert leaves(messages) == [
        *("state", "attributes", "status", "availability", "auth", "sign_in")
    ]
    assert all(message.retain and message.qos == 1 for message in messages)


def test_an_unchanged_poll_sends_nothing() -> None:
    polled = replace(FACTS, polled_at=NOW + timedelta(seconds=5))
    assert after(FACTS, polled) == []


def test_a_new_version_stamp_alone_sends_nothing() -> None:
    assert after(FACTS, replace(FACTS, presence=replace(FREE, sequence_number="A9"))) == []


def test_a_change_is_state_and_one_event_that_is_not_stored() -> None:
    messages = after(FACTS, replace(FACTS, presence=CALL))
    assert leaves(messages) == ["state", "attributes", "status", "event"]
    assert not messages[-1].retain
    assert json.loads(messages[-1].payload)["from"] == "available/available"


def event_of(old: Presence, new: Presence) -> str:
    messages = after(replace(FACTS, presence=old), replace(FACTS, presence=new))
    kind: str = json.loads(messages[-1].payload)["event_type"]
    return kind


def test_each_transition_has_its_name() -> None:
    assert event_of(FREE, CALL) == "call_started"
    assert event_of(CALL, FREE) == "call_ended"
    assert event_of(FREE, GONE) == "offline"
    assert event_of(GONE, FREE) == "online"
    assert event_of(FREE, Presence(Availability.AWAY, Activity.AWAY)) == "changed"


def test_going_stale_says_only_that() -> None:
    messages = after(FACTS, replace(FACTS, fresh=False))
    assert leaves(messages) == ["status", "availability"]
    assert json.loads(messages[0].payload)["text"] == "Not known: no news"
    assert messages[1].payload == b"offline"


def test_coming_back_publishes_the_state_before_it_is_available() -> None:
    messages = after(replace(FACTS, fresh=False), FACTS)
    assert leaves(messages) == ["state", "attributes", "status", "availability"]


def test_signing_in_ends_with_the_sign_in_and_signing_out_begins_with_it() -> None:
    out = replace(FACTS, fresh=False, sign_in=SignIn(SignInState.EXPIRED))
    assert leaves(after(out, FACTS))[-2:] == ["auth", "sign_in"]
    assert leaves(after(FACTS, out)) == ["status", "sign_in", "auth", "availability"]
    assert after(FACTS, out)[1].payload == b"needed"


def test_a_code_expires_on_the_broker_too() -> None:
    pending = SignIn(
        SignInState.CODE_PENDING, user_code="ABC", expires_at=NOW + timedelta(seconds=900)
    )
    _, auth, _ = after(FACTS, replace(FACTS, sign_in=pending))
    assert auth.expiry_s == 900
    assert json.loads(auth.payload)["user_code"] == "ABC"


def test_a_long_status_message_is_cut_in_the_state_and_whole_in_the_attributes() -> None:
    wordy = replace(FACTS, presence=replace(CALL, status_message="x" * 400))
    messages = after(FACTS, wordy)
    assert len(json.loads(messages[0].payload)["status_message"]) == 255
    assert len(json.loads(messages[1].payload)["status_message"]) == 400


def test_nothing_is_said_of_a_presence_that_was_never_read() -> None:
    unread = AccountFacts("alice", "Alice", sign_in=SignIn(SignInState.SIGNED_IN))
    messages = changes(TOPICS, None, unread, NOW)
    assert leaves(messages) == ["status", "sign_in", "auth", "availability"]
    assert messages[-1].payload == b"offline"
    assert leaves(after(unread, FACTS)) == ["state", "attributes", "status", "availability"]


def test_a_code_while_signed_in_changes_nothing_but_the_sign_in() -> None:
    asked = replace(FACTS.sign_in, user_code="ABC", verification_uri="https://x", expires_at=NOW)
    (message,) = after(FACTS, replace(FACTS, sign_in=asked))
    assert leaves([message]) == ["auth"]
    assert json.loads(message.payload)["state"] == "signed_in"
    assert message.expiry_s is None, "it waits, so a clock that says it is over was set"


def test_each_of_many_shows_the_sign_in_without_its_code() -> None:
    code = SignIn(
        SignInState.CODE_PENDING,
        user_code="ABC",
        verification_uri="https://x",
        expires_at=NOW,
        message="Open https://x and enter ABC.",
        remedy="Enter it.",
        correlation_id="c1",
    )
    shown = without_code(code)
    assert (shown.state, shown.message, shown.remedy) == (code.state, None, "Enter it.")
    another = replace(code, user_code="DEF", message="Open https://x and enter DEF.")
    assert shown == without_code(replace(another, correlation_id="c2"))
    refused = SignIn(SignInState.ERROR, message="It is refused.")
    assert without_code(refused) == refused


UNKNOWN = Presence()
NEW_WORD = Presence(Availability.AVAILABLE, None)


@rows("known", [FREE, CALL, GONE])
@rows("unknown", [UNKNOWN, NEW_WORD, None])
def test_nothing_happens_out_of_not_knowing_nor_into_it(
    known: Presence, unknown: Presence | None
) -> None:
    for old, new in ((known, unknown), (unknown, known), (unknown, UNKNOWN)):
        messages = after(replace(FACTS, presence=old), replace(FACTS, presence=new))
        assert "event" not in leaves(messages)


def test_the_status_says_since_when_in_a_time_with_offset() -> None:
    messages = after(FACTS, replace(FACTS, presence=CALL, since=NOW))
    (status,) = [m for m in messages if m.topic.endswith("/status")]
    assert json.loads(status.payload) == {
        "status": "in_a_call",
        "text": "In a call",
        "since": NOW.isoformat(),
    }


def test_the_end_of_a_status_message_is_published_and_news_by_itself() -> None:
    until = replace(FREE, status_message="Lunch", status_message_until=NOW + timedelta(hours=1))
    messages = after(
        replace(FACTS, presence=replace(FREE, status_message="Lunch")),
        replace(FACTS, presence=until),
    )
    assert json.loads(messages[1].payload)["status_message_until"].startswith("2026-")


def test_that_a_sign_in_is_needed_is_an_event_once() -> None:
    topic, waits = TOPICS.account("alice", "sign_in_event"), SignIn(SignInState.CODE_PENDING)
    expired = SignIn(SignInState.EXPIRED)
    event = sign_in_event(topic, FACTS.sign_in, waits, NOW)
    assert event is not None
    assert not event.retain
    assert json.loads(event.payload)["event_type"] == "sign_in_needed"
    assert sign_in_event(topic, None, expired, NOW), "also after a start"
    assert sign_in_event(topic, waits, expired, NOW) is None
    assert sign_in_event(topic, expired, FACTS.sign_in, NOW) is None
