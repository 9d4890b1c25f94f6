"""Lamps on the page: what they show and why, and what can be done with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bridge.contract.light import OFF, LightState
from bridge.contract.light_why import FollowedPerson, LightWhy, Reason
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Light, Person, Snapshot
from bridge.web.render.lamp_why import color_name
from bridge.web.render.lights import lights_section
from tests.fakes.rows import rows
from tests.fakes.web_lights import explained
from tests.fakes.web_page import NOON, light, person, service
from tests.unit.web.reading import Reading

CALENDAR = Calendar.at(NOON, NOON.tzinfo)
EVIL = "<script>x</script>"


def lights(*several: Light, people: tuple[Person, ...] = ()) -> Reading:
    section = lights_section(Snapshot(service(), people, several), CALENDAR)
    assert section
    return Reading(section)


def actions(shown: Reading) -> list[str | None]:
    return [form["action"] for form in shown.all("form")]


def test_a_light_says_what_it_shows_and_why() -> None:
    shown = lights(light(), people=(person(name="Alice B."),))
    assert "desk Online, follows presence" in shown.words
    assert "Shows red at 60 %, pulse: Alice B. is in a call" in shown.words
    assert any(c["fill"] == "#ff0000" for c in shown.all("circle"))
    assert "follow" not in actions(shown)


@rows(
    ("changes", "words"),
    [
        ({"online": False}, "Its driver is not running"),
        ({"reachable": False}, "Does not answer"),
        ({"look": None}, "Left as it is: alice is in a call"),
        ({"look": OFF}, "Shows nothing: alice is in a call"),
        ({"rule": "sign-in needed", "look": OFF}, "Shows nothing: sign-in needed, alice"),
        ({"rule": "nothing heard yet", "account": None, "look": OFF}, ": nothing heard yet"),
        ({"mode": "manual"}, "Online, set by hand Shows red at 60 %, pulse"),
        ({"mode": "off", "look": OFF}, "Online, switched off by hand Shows nothing"),
        ({"mode": "<b>"}, "Online, <b>"),
        ({"clock_apart_s": -360}, "follows presence, its clock is 6 min ahead of ours"),
        ({"clock_apart_s": 14400}, "follows presence, its clock is 4 h behind ours"),
    ],
)
def test_a_light_reports_what_is_different(changes: dict[str, object], words: str) -> None:
    assert words in lights(light("desk", **changes)).words


def test_a_light_that_a_person_set_can_return_to_following() -> None:
    shown = lights(light(mode="manual"))
    assert "follow" in actions(shown)
    assert {"type": "hidden", "name": "light", "value": "desk"} in shown.all("input")
    assert not actions(lights(light(mode="manual", online=False)))


def test_what_a_driver_writes_is_text() -> None:
    evil = Reason(rule=EVIL, account=EVIL, because=EVIL)
    explained = LightWhy(won=evil, lost=(evil,), trying=EVIL, mode=EVIL)
    odd = light(EVIL, rule=EVIL, account=EVIL, why=explained)
    assert not lights(odd).all("script")


@pytest.mark.parametrize(
    ("rgb", "name"), [((250, 10, 0), "red"), ((0, 250, 40), "green"), ((1, 2, 240), "blue")]
)
def test_colours_have_names(rgb: tuple[int, int, int], name: str) -> None:
    assert color_name(rgb) == name
    assert LightState(color=rgb)


def test_why_opens_what_won_what_lost_and_what_is_known_with_peoples_names() -> None:
    people = (person(name="Alice B."), person("bob"))
    shown = lights(light(why=explained()), people=people)
    assert (
        "Why is it red? Alice B. is in a call. Not shown: "
        "Alice B. is busy: the activity comes first "
        "Bob is busy: somebody busier comes first "
        "What it knows: Alice B.: busy, in a call Bob: busy"
    ) in shown.words
    assert {"aria-label": "Why is it red? (desk)"} in shown.all("summary")


@rows(
    ("changes", "words"),
    [
        ({"look": OFF}, "Why is it dark?"),
        ({"look": LightState(brightness=0)}, "Why is it dark?"),
        ({"look": None, "left": "as_it_is"}, "Why is it left as it is?"),
        ({"look": None, "left": "given_back"}, "Why is it as it was found?"),
        (
            {
                "won": Reason(rule="switched off by hand"),
                "mode": "off",
                "since": NOON - timedelta(minutes=5),
                "until": NOON + timedelta(minutes=55),
            },
            "Switched off by hand since 11:55, until 12:55.",
        ),
        (
            {"won": Reason(rule="its looks are tried"), "trying": "in_a_meeting"},
            "Its looks are tried: in a meeting.",
        ),
        (
            {"followed": (FollowedPerson(account="zoe", signed_in=False),), "more": 292},
            "What it knows: zoe must sign in and 292 more",
        ),
        (
            {"followed": (FollowedPerson(account="zoe", availability="away"),)},
            "zoe: nothing new, last away",
        ),
        ({"followed": (FollowedPerson(account="zoe", fresh=True),)}, "zoe: unknown to Microsoft"),
    ],
)
def test_why_has_words_for(changes: dict[str, object], words: str) -> None:
    assert words in lights(light(why=explained(**changes))).words


def test_a_lamp_of_before_that_explains_nothing_shows_nothing_of_it() -> None:
    shown = lights(light())
    assert "Why" not in shown.words
    assert actions(shown) == ["set-lamp"]


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({"why": explained()}, ["try-lamp", "lamp-off", "set-lamp"]),
        ({"why": explained(can=("try",))}, ["try-lamp", "set-lamp"]),
        ({"why": explained(), "mode": "manual"}, ["follow", "try-lamp", "lamp-off", "set-lamp"]),
        ({"why": explained(), "mode": "off"}, ["follow", "try-lamp", "set-lamp"]),
        ({"why": explained(), "online": False}, []),
    ],
)
def test_only_what_the_driver_understands_is_offered(
    changes: dict[str, object], offered: list[str]
) -> None:
    assert actions(lights(light(**changes))) == offered


def test_while_looks_are_tried_it_says_so_and_can_be_stopped() -> None:
    trying = explained(won=Reason(rule="its looks are tried"), trying="away")
    shown = lights(light(why=trying))
    assert "Shows red at 60 %, pulse: its looks are tried" in shown.words
    assert "Stop trying desk" in [button.get("aria-label") for button in shown.all("button")]


@pytest.mark.parametrize(
    ("capability", "fields"),
    [("rgb", ["color", "brightness"]), ("brightness", ["brightness"]), ("onoff", [])],
)
def test_by_hand_a_lamp_is_asked_only_for_what_it_can_do(
    capability: str, fields: list[str]
) -> None:
    shown = lights(light(capability=capability))
    inputs = [each for each in shown.all("input") if each.get("type") != "hidden"]
    assert [each["name"] for each in inputs] == fields
    labels = {label["for"] for label in shown.all("label")}
    assert labels == {each["id"] for each in inputs}


def test_how_long_a_hand_lasts_stands_with_the_lamp() -> None:
    until = NOON + timedelta(hours=1)
    shown = lights(light(mode="off", look=OFF, why=explained(mode="off", until=until)))
    assert "Online, switched off by hand until 13:00" in shown.words
