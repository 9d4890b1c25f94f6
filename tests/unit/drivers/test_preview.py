"""What a preview makes of the words that it is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.config.tables.shared import HostConfig
from bridge.contract.errors import ConfigError
from bridge.contract.hours import parse_hours
from bridge.contract.light import OFF
from drivers.base import Capability
from drivers.commands.preview import Now, by_hand, checked, decide, described, facts_of, lost_words
from drivers.rules import Facts, Rules
from drivers.settings import Common

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
PEOPLE = ("alice", "bob")


@pytest.mark.parametrize(
    ("words", "look", "because"),
    [
        ("busy/in_a_call", "#ff0000 at 100%, pulse", "activity in_a_call (alice)"),
        ("unknown", "#ffffff at 15%, solid", "no fresh presence (alice)"),
        ("sign_in_needed", "#0000ff at 60%, blink", "sign-in needed (alice)"),
        ("alice=away, bob=available", "#00ff00 at 60%, solid", "availability available (bob)"),
        ("bob=sign_in_needed,alice=offline", "#0000ff at 60%, blink", "sign-in needed (bob)"),
        ("bob=busy", "#ff0000 at 60%, solid", "availability busy (bob)"),
    ],
)
def test_people_are_supposed_to_be_as_given(words: str, look: str, because: str) -> None:
    now = Now(facts_of(words, NOW, PEOPLE))
    assert described(decide(Rules(), now, NOW)) == f"{look}\nbecause: {because}"


def test_a_lamp_that_follows_everybody_takes_any_name() -> None:
    assert described(decide(Rules(), Now(facts_of("busy", NOW, ())), NOW)).endswith(
        "availability busy"
    )
    assert set(facts_of("zoe=busy,yan=away", NOW, ())) == {"zoe", "yan"}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("carol=busy", "'carol' is not followed; this lamp follows alice, bob"),
        ("asleep", "'asleep' is not a presence; availabilities: available,"),
        ("", "'' is not a presence"),
        ("alice=", "'' is not a presence"),
    ],
)
def test_what_cannot_be_read_is_reported_with_what_can_be_written(words: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked(facts_of, words, NOW, PEOPLE)
    assert problem in str(caught.value)


def test_a_hand_wins_over_presence_and_schedule() -> None:
    rules = Rules(hours=parse_hours("sat", "08:00-18:00"))
    for words, look in (("#0a0b0c", "#0a0b0c at 100%, solid"), ("off", "off")):
        decision = decide(rules, Now({}, by_hand=by_hand(words)), NOW)
        assert described(decision).splitlines()[0] == look
    with pytest.raises(ConfigError, match="is not a colour"):
        checked(by_hand, "rde")


def test_at_another_moment_what_is_known_now_still_holds() -> None:
    facts = facts_of("busy", NOW, ["alice"])
    state = facts["alice"].state
    assert state is not None
    short = state.model_copy(update={"valid_until": NOW + timedelta(minutes=1)})
    now = Now({"alice": Facts(short, fresh=True)})
    later = NOW + timedelta(hours=2)
    assert decide(Rules(), now, later).rule == "the presence is too old"
    assert decide(Rules(), now, later, shown_at_another=True).rule == "availability busy"
    assert decide(Rules(), Now({}, gone="bridge"), later).rule == "the bridge is gone"
    outside = Rules(hours=parse_hours("mon-fri", "08:00-09:00"), outside="off")
    assert decide(outside, now, later, shown_at_another=True).state == OFF


@pytest.mark.parametrize(
    ("words", "capability", "lines"),
    [
        ("busy/in_a_call", "onoff", ["on, solid", "on: a light that knows on and off only"]),
        ("busy", "onoff", ["off", "on: a light that knows on and off only"]),
        ("busy", "brightness", ["50%, solid", "on: a light without colours"]),
        ("available", "rgb", ["given back: as it was found, then left alone"]),
    ],
)
def test_what_the_light_can_do_is_reported_and_that_it_is_given_back(
    words: str, capability: str, lines: list[str]
) -> None:
    looks = {"available": {"give_back": True}}
    common = Common.model_validate({"kind": "lamp", "looks": looks})
    rules = common.rules(HostConfig(state_dir=Path("/nowhere")), Capability(capability))
    shown = described(decide(rules, Now(facts_of(words, NOW, ())), NOW), Capability(capability))
    first, because, *more = shown.splitlines()
    assert [first, *more] == lines
    assert because.startswith("because: ")


def test_what_lost_is_said_in_the_words_of_the_config() -> None:
    now = Now(facts_of("alice=busy/in_a_call,bob=away", NOW, PEOPLE))
    assert [*lost_words(decide(Rules(), now, NOW))] == [
        "not: availability busy (alice); the activity comes first",
        "not: availability away (bob); somebody busier comes first",
    ]
    anybody = Now(facts_of("busy/in_a_call", NOW, ()), by_hand=by_hand("off"))
    assert [*lost_words(decide(Rules(), anybody, NOW))] == [
        "not: activity in_a_call; set by hand",
        "not: availability busy; the activity comes first",
    ]


def test_a_lamp_that_a_person_keeps_as_it_is_is_left_so() -> None:
    kept = Now(facts_of("busy", NOW, PEOPLE), hands_off=True)
    assert described(decide(Rules(), kept, NOW)).startswith("left as it is\nbecause: set by hand")
