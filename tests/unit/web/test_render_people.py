from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.presence import Activity, Availability, Presence, WorkLocation
from bridge.web.data.page_words import Calendar
from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import Person, Snapshot, Table
from bridge.web.render.page import parts_of
from bridge.web.render.people import person_card
from bridge.web.render.sign_in import sign_in_panel
from tests.fakes.web_page import (
    BOTH,
    BROWSER_ADDRESS,
    CODE_ADDRESS,
    NOON,
    in_browser,
    person,
    service,
    waiting,
)
from tests.unit.web.reading import Reading, parts_of_all

CALENDAR = Calendar.at(NOON, NOON.tzinfo)
EVIL = '<script>alert("1")</script><token>\u202e'


def card(somebody: Person) -> Reading:
    return Reading(person_card(somebody, CALENDAR))


def test_a_card_shows_who_is_what_since_when_and_how_fresh_that_is() -> None:
    shown = card(person(says="Back at three"))
    assert shown.words.startswith("Alice In a call since 11:35")
    assert "Back at three" in shown.words
    assert "Up to date, read 11:59" in shown.words
    assert shown.all("article")[0]["class"] == "card person call"
    assert {"datetime": "2026-11-23T11:35:00Z"} in shown.all("time")
    assert {"data-ago": None} in shown.all("span")


def test_an_old_presence_is_not_shown_nor_what_was_said_with_it() -> None:
    shown = card(person(says="Back at three", fresh=False))
    assert shown.words.startswith("Alice Unknown Last read 11:59 : too old to show")
    assert "three" not in shown.words
    assert shown.all("article")[0]["class"] == "card person unknown"


def test_who_signed_out_was_read_once() -> None:
    shown = card(person(fresh=False, sign_in=SignIn()))
    assert "Last read 11:59" in shown.words
    assert "too old" not in shown.words


def test_out_of_office_is_said_once() -> None:
    away = Presence(Availability.AWAY, Activity.AWAY, out_of_office=True)
    assert card(person(presence=away)).words.count("Out of office") == 1
    both = replace(away, activity=Activity.OUT_OF_OFFICE, out_of_office_message="In the hills")
    words = card(person(presence=both)).words
    assert words.count("Out of office") == 1
    assert "In the hills" in words


@pytest.mark.parametrize("place", ["status_message", "out_of_office_message", "raw_work_location"])
def test_what_others_write_is_text(place: str) -> None:
    away = Presence(Availability.AWAY, Activity.AWAY, work_location=WorkLocation.OTHER)
    presence = replace(away, **{place: EVIL})  # type: ignore[arg-type]
    shown = card(person(presence=presence))
    assert not shown.all("script")
    assert "alert(" in shown.words


@pytest.mark.parametrize(
    ("location", "words"),
    [(None, None), ("unspecified", None), ("office", "Office"), ("time_off", "Time off")],
)
def test_where_somebody_works_is_published_where_somebody_said_so(
    location: str | None, words: str | None
) -> None:
    place = WorkLocation(location) if location else None
    shown = card(person(presence=Presence(Availability.AWAY, work_location=place)))
    assert ("Works at" in shown.words) is (words is not None)
    assert words is None or f"Works at: {words}" in shown.words


def test_names_and_microsofts_own_words_are_text() -> None:
    odd = Presence(Availability.OTHER, Activity.OTHER, raw_activity=EVIL)
    shown = card(person(presence=odd, name=EVIL, added_here=True))
    assert not shown.all("script")
    assert not shown.all("token")


def test_a_code_is_shown_with_its_address_its_time_and_a_button_to_copy() -> None:
    shown = card(waiting())
    assert "open login.microsoft.com/device" in shown.words
    assert "F7K2Q9XRB" in shown.words
    assert "The code works until 12:14 ." in shown.words
    [link] = shown.all("a")
    assert link["href"] == CODE_ADDRESS
    assert link["rel"] == "noreferrer"
    assert shown.all("output")[0]["id"] == "code-alice"
    assert shown.all("button")[0]["data-copy"] == "code-alice"
    assert any(svg.get("class") == "qr" for svg in shown.all("svg"))


def test_the_browser_way_asks_for_the_address_of_the_last_page() -> None:
    shown = card(in_browser())
    assert shown.all("a")[0]["href"] == BROWSER_ADDRESS
    assert shown.all("form")[0]["action"] == "sign-in-address"
    assert "Finish signing in" in shown.words
    assert not shown.all("output")


def test_an_address_that_is_no_https_cannot_be_followed() -> None:
    sign_in = SignIn(
        SignInState.CODE_PENDING, user_code="ABC", verification_uri="javascript:alert(1)"
    )
    shown = card(waiting(sign_in=sign_in))
    assert not shown.all("a")
    assert "javascript:alert(1)" in shown.words


def test_a_failure_is_reported_with_its_remedy_who_must_act_and_a_reference() -> None:
    refused = SignIn(
        SignInState.ERROR,
        message="An admin must consent to this app.",
        remedy="Ask your admin to grant admin consent for the app.",
        who="your admin",
        correlation_id="5f0c7a52",
    )
    shown = card(waiting(sign_in=refused))
    for words in (refused.message, refused.remedy, "Who must act: your admin.", "5f0c7a52"):
        assert words
        assert words in shown.words
    assert [b["aria-label"] for b in shown.all("button")] == [
        "Sign in with a code: Alice",
        "Sign in with a browser: Alice",
    ]


def test_a_renewal_that_failed_is_reported_while_the_old_sign_in_stands() -> None:
    standing = SignIn(SignInState.SIGNED_IN, message="The code expired.", remedy="Try again.")
    shown = card(person(sign_in=standing))
    assert "The code expired. Try again." in shown.words
    assert sign_in_panel(person(), CALENDAR) is None


def test_another_code_is_shown_while_presence_goes_on_and_can_be_taken_back() -> None:
    code = replace(waiting().sign_in, state=SignInState.SIGNED_IN)
    shown = card(person(sign_in=code))
    assert shown.words.startswith("Alice In a call since 11:35")
    assert "Still signed in, and presence goes on." in shown.words
    assert "F7K2Q9XRB" in shown.words
    assert shown.all("form")[0]["action"] == "cancel-sign-in"
    assert "Cancel" in shown.words
    browser = card(person(sign_in=replace(in_browser().sign_in, state=SignInState.SIGNED_IN)))
    assert "Finish signing in" in browser.words
    assert "cancel-sign-in" in [form["action"] for form in browser.all("form")]
    assert "Cancel" not in card(waiting()).words  # nobody is signed in: there is nothing to keep


def test_a_code_of_many_people_is_shown_once() -> None:
    team = tuple(waiting(f"p{n}", table="team") for n in range(SHOWN))
    table = Table("team", SHOWN, team[0].sign_in, BOTH)
    parts = parts_of_all(Snapshot(service(), team, tables=(table,)), CALENDAR)
    assert "F7K2Q9XRB" not in parts.people
    shown = Reading(parts.sections["tables"])
    assert shown.words.count("F7K2Q9XRB") == 1
    assert "Signing in. Reads 24 people." in shown.words
    assert "with the account that reads team" in shown.words
    healthy = replace(table, sign_in=SignIn(SignInState.SIGNED_IN))
    parts = parts_of_all(Snapshot(service(), team, tables=(healthy,)), CALENDAR)
    shown = Reading(parts.sections["tables"])
    assert [form["action"] for form in shown.all("form")] == ["sign-out"]
    assert not Reading(parts_of_all(Snapshot(service(), team), CALENDAR).people).all("form")


def test_only_the_ways_that_a_person_has_are_offered() -> None:
    without = card(waiting(sign_in=SignIn(), ways=()))
    assert not without.all("form")
    one = card(waiting(sign_in=SignIn(), ways=(Way.BROWSER,)))
    assert [i["value"] for i in one.all("input") if i["name"] == "way"] == ["browser"]
    code_only = card(waiting(ways=(Way.DEVICE_CODE,)))
    assert "Does that not work" not in code_only.words


def test_signing_out_and_removing_ask_once_more() -> None:
    shown = card(person(added_here=True))
    assert [s["aria-label"] for s in shown.all("summary")] == ["Sign out Alice", "Remove Alice"]
    assert [f["action"] for f in shown.all("form")] == ["sign-out", "remove"]
    assert "Remove" not in card(person()).words
    assert "Sign out" not in card(person(ways=())).words


def test_of_many_people_a_page_is_shown() -> None:
    people = tuple(person(f"p{n}", name=f"Person {n}") for n in range(500))
    snapshot = Snapshot(service(), people)
    everybody = parts_of(snapshot, CALENDAR, people[:SHOWN])
    assert len(everybody.cards) == SHOWN
    assert "Find one of 500 people" in Reading(everybody.people).words
    nobody = parts_of(snapshot, CALENDAR, (), EVIL)
    assert not Reading(nobody.people).all("script")
    assert "Nobody is called that." in Reading(nobody.people).words


def test_an_unchanged_person_is_not_rerendered() -> None:
    first = parts_of_all(Snapshot(service(), (person(), person("bob"))), CALENDAR)
    moved = person("bob", polled_at=NOON)
    second = parts_of_all(Snapshot(service(), (person(), moved)), CALENDAR)
    assert second.cards["person-alice"] is first.cards["person-alice"]
    assert [name for name, _ in second.since(first.versions)] == ["person-bob"]


def test_a_new_day_makes_new_words() -> None:
    snapshot = Snapshot(service(), (person(),))
    today = parts_of_all(snapshot, CALENDAR)
    tomorrow = parts_of_all(snapshot, Calendar.at(NOON + timedelta(days=1), NOON.tzinfo))
    assert "since Mon 11:35" in Reading(tomorrow.cards["person-alice"]).words
    assert "person-alice" in dict(tomorrow.since(today.versions))


def test_who_comes_or_goes_changes_the_whole_section() -> None:
    one = parts_of_all(Snapshot(service(), (person(),)), CALENDAR)
    two = parts_of_all(Snapshot(service(), (person(), person("bob"))), CALENDAR)
    [(name, markup)] = two.since(one.versions)
    assert name == "people"
    assert [a["id"] for a in Reading(markup).all("article")] == ["person-alice", "person-bob"]
    assert {name for name, _ in one.since({})} == {
        "people",
        "refusal",
        "tables",
        "today",
        "lights",
        "health",
    }
