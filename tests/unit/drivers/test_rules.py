from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.tables.shared import HostConfig
from bridge.contract.account import NEEDED, SIGNED_IN, SignInState
from bridge.contract.hours import parse_hours
from bridge.contract.light import OFF, LightState
from bridge.contract.presence import Activity, Availability
from bridge.contract.wire import AccountState
from drivers.base import Capability
from drivers.commands.preview import facts_of
from drivers.rules import DEFAULT_LOOKS, GIVE_BACK, Facts, Look, Rules, choose, parse_color
from drivers.rules.defaults import BUSYNESS, LOOK_NAMES, ON_OFF_LOOKS, WHITE_LOOKS
from drivers.settings import Common
from tests.fakes.rows import rows

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HOST = HostConfig(state_dir=Path("/nowhere"))


def state(availability: str | None, activity: str | None, **more: object) -> AccountState:
    keys = ("busy", "in_call", "in_meeting", "out_of_office", "status_message")
    values: dict[str, object] = dict.fromkeys(keys)
    values |= {"changed_at": NOW, "polled_at": NOW, "valid_until": NOW + timedelta(minutes=5)}
    values |= {"availability": availability, "activity": activity, **more}
    return AccountState.model_validate(values)


def fresh(availability: str | None, activity: str | None, **more: object) -> Facts:
    return Facts(state(availability, activity, **more), fresh=True, sign_in=SIGNED_IN)


def rule_for(facts: Facts, rules: Rules | None = None) -> str:
    return choose(rules or Rules(), {"alice": facts}, NOW).rule


def test_the_activity_wins_over_the_availability() -> None:
    assert rule_for(fresh("busy", "in_a_call")) == "activity in_a_call"
    assert rule_for(fresh("busy", "busy")) == "availability busy"
    assert rule_for(fresh("busy_idle", "inactive")) == "availability busy_idle"
    assert rule_for(fresh(None, "away")) == "activity away"
    assert rule_for(fresh(None, "other")) == "default, for default/other"


def test_a_call_looks_other_than_a_meeting_and_than_busy() -> None:
    looks = [DEFAULT_LOOKS[name] for name in ("in_a_call", "in_a_meeting", "busy", "presenting")]
    assert len({look.state() for look in looks}) == 4


def test_every_kind_of_trouble_has_its_own_look_and_rule() -> None:
    assert rule_for(Facts()) == "no fresh presence"
    assert rule_for(Facts(state("busy", "busy"), fresh=False)) == "no fresh presence"
    assert rule_for(fresh("busy", "busy", valid_until=NOW)) == "the presence is too old"
    assert rule_for(fresh(None, None)) == "Microsoft does not know"
    assert rule_for(Facts(auth=SignInState.EXPIRED)) == "sign-in needed"
    assert choose(Rules(), {}, NOW).rule == "no account has been heard of"
    gone = choose(Rules(), {"alice": fresh("busy", "busy")}, NOW, gone="bridge")
    assert gone.state == DEFAULT_LOOKS["unknown"].state()


def test_out_of_office_is_shown_unless_the_person_is_in_a_call() -> None:
    away = fresh("available", "available", out_of_office=True)
    called = fresh("busy", "in_a_call", out_of_office=True)
    assert rule_for(away) == "out of office"
    assert rule_for(called) == "activity in_a_call"


def test_the_busiest_person_wins_and_trouble_never_hides_a_call() -> None:
    facts = {
        "alice": fresh("available", "available"),
        "bob": fresh("busy", "in_a_call"),
        "carol": Facts(auth=SignInState.EXPIRED),
    }
    assert choose(Rules(), facts, NOW).account == "bob"
    del facts["bob"]
    assert choose(Rules(), facts, NOW).account == "alice"


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        (datetime(2026, 11, 23, 7, 59, tzinfo=BERLIN), False),
        (datetime(2026, 11, 23, 8, 0, tzinfo=BERLIN), True),
        (datetime(2026, 11, 23, 17, 59, tzinfo=BERLIN), True),
        (datetime(2026, 11, 23, 18, 0, tzinfo=BERLIN), False),
        (datetime(2026, 11, 22, 12, 0, tzinfo=BERLIN), False),
    ],
)
def test_the_schedule_holds_to_the_minute(moment: datetime, *, inside: bool) -> None:
    rules = Rules(hours=parse_hours("mon-fri", "08:00-18:00"), zone=BERLIN)
    facts = {"alice": fresh("busy", "in_a_call", valid_until=moment + timedelta(minutes=1))}
    assert (choose(rules, facts, moment).state != OFF) is inside


def test_outside_of_the_schedule_the_lamp_is_off_kept_or_shows_its_own_look() -> None:
    hours = parse_hours("sat", "08:00-18:00")
    facts = {"alice": fresh("busy", "in_a_call")}
    assert choose(Rules(hours=hours), facts, NOW).state == OFF
    assert choose(Rules(hours=hours, outside="keep"), facts, NOW).state is None
    dim = Look(color=(1, 2, 3), brightness=0.1)
    assert choose(Rules(hours=hours, outside=dim), facts, NOW).state == dim.state()


def test_brightness_of_the_lamp_scales_every_look() -> None:
    decision = choose(Rules(scale=0.5), {"a": fresh("busy", "busy")}, NOW)
    assert isinstance(decision.state, LightState)
    assert decision.state.brightness == pytest.approx(DEFAULT_LOOKS["busy"].brightness / 2)


def test_every_word_of_microsoft_has_a_look_or_falls_back_to_one() -> None:
    for availability in Availability:
        for activity in Activity:
            decision = choose(Rules(), {"a": fresh(availability, activity)}, NOW)
            assert decision.state is not None
            assert "default" not in decision.rule or "other" in (availability, activity)


def test_names_in_the_order_of_busyness_are_looks() -> None:
    assert set(BUSYNESS) <= LOOK_NAMES


ACCOUNTS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.builds(
        Facts,
        st.none()
        | st.builds(
            state,
            st.none() | st.sampled_from(Availability),
            st.none() | st.sampled_from(Activity),
        ),
        fresh=st.booleans(),
        sign_in=st.sampled_from([None, SIGNED_IN, NEEDED]),
        auth=st.none() | st.sampled_from(SignInState),
    ),
)


@given(ACCOUNTS, st.booleans())
def test_there_is_always_a_look_and_a_reason(facts: dict[str, Facts], gone: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    decision = choose(Rules(), facts, NOW, gone="bridge" if gone else "")
    assert decision.state is not None
    assert decision.rule


@given(ACCOUNTS)
def test_the_order_in_which_people_were_heard_does_not_matter(facts: dict[str, Facts]) -> None:
    other_order = dict(reversed(facts.items()))
    assert choose(Rules(), facts, NOW) == choose(Rules(), other_order, NOW)


@pytest.mark.parametrize(
    ("text", "color"),
    [
        ("red", (255, 0, 0)),
        ("#ff2000", (255, 32, 0)),
        ("#f20", (255, 34, 0)),
        ([1, 2, 3], (1, 2, 3)),
    ],
)
def test_colours_are_read_as_people_write_them(text: object, color: tuple[int, int, int]) -> None:
    assert parse_color(text) == color


@given(st.none() | st.text() | st.lists(st.integers() | st.booleans()) | st.floats())
def test_other_colours_are_refused_in_words(value: object) -> None:
    color, told = None, ""
    try:
        color = parse_color(value)
    except ValueError as error:
        told = str(error)
    assert color is None or all(0 <= part <= 255 for part in color)
    assert color is not None or "is not a colour" in told


def test_a_preview_is_of_the_presence_it_was_given() -> None:
    facts = facts_of("busy/in_a_call", NOW, ["alice"])
    assert choose(Rules(), facts, NOW).rule == "activity in_a_call"
    with pytest.raises(ValueError, match="not a presence"):
        facts_of("asleep", NOW, ["alice"])


LIT = {"in_a_call", "in_a_conference_call", "presenting", "do_not_disturb", "focusing"}
LIT |= {"urgent_interruptions_only"}


def on_off(looks: dict[str, Look] | None = None) -> Rules:
    return Common(kind="lamp", looks=looks or {}).rules(HOST, Capability.ON_OFF)


@rows("availability", [*Availability])
def test_a_light_that_is_on_or_off_says_that_somebody_must_not_be_disturbed(
    availability: Availability,
) -> None:
    for activity in Activity:
        decision = choose(on_off(), {"a": fresh(availability, activity)}, NOW)
        is_lit = bool({activity.value, availability.value} & LIT)
        assert decision.state == (LightState() if is_lit else OFF), (availability, activity)


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"a": Facts()},
        {"a": Facts(auth=SignInState.EXPIRED)},
        {"a": fresh(None, None)},
        {"a": fresh("available", "available", out_of_office=True)},
        {"a": fresh("other", "other")},
    ],
    ids=["nobody", "not fresh", "signed out", "unknown", "out of office", "a new word"],
)
def test_a_light_that_is_on_or_off_is_dark_for_all_else(facts: dict[str, Facts]) -> None:
    assert choose(on_off(), facts, NOW).state == OFF
    assert choose(on_off(), facts, NOW, gone="bridge").state == OFF


def test_on_such_a_light_default_reaches_what_nobody_named() -> None:
    rules = on_off({"default": Look(), "away": Look(off=True)})
    for word, lit in (("busy", True), ("available", True), ("away", False), ("other", True)):
        assert (choose(rules, {"a": fresh(word, word)}, NOW).state == LightState()) is lit, word
    assert choose(rules, {"a": Facts()}, NOW).state == OFF


def test_what_only_default_names_is_ranked_by_what_it_is() -> None:
    rules = on_off({"default": Look()})
    facts = {"alice": fresh("busy", "busy"), "bob": Facts(auth=SignInState.EXPIRED)}
    assert choose(rules, facts, NOW).account == "alice"
    assert choose(rules, {**facts, "carol": fresh("busy", "in_a_call")}, NOW).account == "carol"


def test_a_white_light_is_the_brighter_the_less_somebody_may_be_disturbed() -> None:
    rules = Common(kind="lamp").rules(HOST, Capability.WHITE)
    levels = []
    for words in ("busy/in_a_call", "busy/in_a_meeting", "busy", "available", "away", "unknown"):
        shown = choose(rules, facts_of(words, NOW, ()), NOW).state
        assert isinstance(shown, LightState)
        assert len(set(shown.color)) == 1
        levels.append(shown.brightness * shown.on)
    assert levels[:-2] == sorted(set(levels[:-2]), reverse=True)
    assert levels[-2:] == [0, 0]


def test_each_word_has_a_look_of_its_own_on_a_white_light_too() -> None:
    assert set(WHITE_LOOKS) == set(DEFAULT_LOOKS)
    assert set(ON_OFF_LOOKS) <= set(DEFAULT_LOOKS)


def test_give_back_is_a_look_for_any_word_and_outside_of_the_schedule() -> None:
    back = Look(give_back=True)
    for name in ("available", "unknown", "sign_in_needed", "default"):
        assert Rules(looks={**DEFAULT_LOOKS, name: back}).give_back
    assert not Rules().give_back
    rules = Rules(looks={**DEFAULT_LOOKS, "available": back}, scale=0.5)
    decision = choose(rules, {"a": fresh("available", "available")}, NOW)
    assert (decision.state, decision.rule) == (GIVE_BACK, "availability available")
    hours = parse_hours("sat", "08:00-18:00")
    for outside in ("give_back", back):
        rules = Rules(hours=hours, outside=outside)
        assert rules.give_back
        assert choose(rules, {}, NOW).state is GIVE_BACK
