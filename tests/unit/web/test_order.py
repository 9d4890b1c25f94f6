from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.presence import Activity, Availability
from bridge.web.data.search import distinct, in_order
from bridge.web.data.snapshot import Person
from tests.fakes.web_page import NOON, SIGNED_IN, person, waiting

AWAY = (Availability.AWAY, Activity.AWAY)


def accounts(*people: Person) -> list[str]:
    return [each.account for each in in_order(people)]


def test_who_needs_somebody_comes_first_then_who_is_busy_then_the_others_by_name() -> None:
    zoe, adam = person("zoe", *AWAY), person("adam", *AWAY)
    call, busy = person("yan"), person("bea", Availability.BUSY, Activity.BUSY)
    ended = person("xaver", sign_in=SignIn(SignInState.EXPIRED))
    assert accounts(zoe, call, adam, waiting("will"), busy, ended) == [
        "will",
        "xaver",
        "bea",
        "yan",
        "adam",
        "zoe",
    ]


def test_a_call_that_begins_moves_nobody_who_is_busy_already() -> None:
    busy = [person(name, Availability.BUSY, Activity.BUSY) for name in ("ann", "ben")]
    assert accounts(*busy) == accounts(busy[0], person("ben")) == ["ann", "ben"]


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({}, False),
        ({"sign_in": SignIn()}, True),
        ({"sign_in": replace(SIGNED_IN, remedy="Try again.")}, True),
        ({"sign_in": SignIn(), "ways": ()}, False),  # an app signs itself in
        ({"sign_in": SignIn(), "table": "team"}, False),  # the table has a card of its own
    ],
)
def test_a_card_needs_somebody_where_a_person_can_do_something(
    changes: dict[str, object], *, needs: bool
) -> None:
    assert person(**changes).needs_somebody is needs  # type: ignore[arg-type]


def test_people_of_one_name_are_distinguished_and_only_they() -> None:
    people = (person("sam", name="Sam"), person("sam_2", name="sam"), person("kim", name="Kim"))
    assert [each.name for each in distinct(people)] == ["Sam (sam)", "sam (sam_2)", "Kim"]


def test_a_presence_is_current_up_to_its_end() -> None:
    somebody = person(valid_until=NOON)
    assert somebody.at(NOON - timedelta(seconds=1)) is somebody
    assert somebody.at(NOON).current is None
