from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.contract.account import SignIn, SignInState
from bridge.contract.presence import Activity, Availability
from bridge.web.data.order import distinct, in_order
from bridge.web.data.search import FEW, FRESH_S, SHOWN, Search
from bridge.web.data.snapshot import Person
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import NOON, SIGNED_IN, person, waiting

CROWD = tuple(person(f"p{n}", name=f"Person {n}") for n in range(FEW + 500))
AWAY = (Availability.AWAY, Activity.AWAY)


def accounts(people: tuple[Person, ...]) -> list[str]:
    return [each.account for each in people]


async def test_people_are_found_by_a_part_of_their_name_or_slug() -> None:
    search = Search(None, ManualClock())
    for people in (CROWD[:500], CROWD):
        assert len(await search.find(people, " ")) == SHOWN
        found = await search.find(people, "PERSON 49")
        assert accounts(found)[:11] == ["p49", *(f"p49{n}" for n in range(10))]
        assert accounts(await search.find(people, "p499")) == ["p499"]
        assert not await search.find(people, "<script>")


async def test_who_was_found_is_shown_as_they_are_now() -> None:
    search = Search(None, ManualClock())
    await search.find(CROWD, "person 1234")
    later = tuple(replace(each, fresh=False) for each in CROWD)
    [found] = await search.find(later, "person 1234")
    assert found is later[1234]


async def test_who_comes_goes_or_is_renamed_is_noticed() -> None:
    clock = ManualClock()
    search = Search(None, clock)
    await search.find(CROWD, "person 123")
    zoe = person("zoe", name="Person 123 too")
    assert "zoe" in accounts(await search.find((zoe, *CROWD), "person 123"))
    assert "zoe" in accounts(await search.find((zoe, *CROWD[1:]), "person 123"))
    moved = (*CROWD[1:], zoe)
    assert "zoe" in accounts(await search.find(moved, "person 123"))
    renamed = (replace(moved[0], name="Person 123 the third"), *moved[1:])
    await clock.advance(FRESH_S)
    assert "p1" in accounts(await search.find(renamed, "person 123"))


async def test_of_a_crowd_the_first_in_the_config_are_shown() -> None:
    shown = await Search(None, ManualClock()).find(CROWD, "")
    assert set(shown) == set(CROWD[:SHOWN])


async def test_the_busy_are_shown_wherever_they_stand_in_the_config() -> None:
    calm = [replace(each, presence=None) for each in CROWD[:FEW]]
    busy = calm[-1] = CROWD[FEW - 1]
    assert (await Search(None, ManualClock()).find(tuple(calm), ""))[0] is busy


def ordered(*people: Person) -> list[str]:
    return accounts(in_order(people))


def test_who_needs_somebody_comes_first_then_who_is_busy_then_the_others_by_name() -> None:
    zoe, adam = person("zoe", *AWAY), person("adam", *AWAY)
    call, busy = person("yan"), person("bea", Availability.BUSY, Activity.BUSY)
    ended = person("xaver", sign_in=SignIn(SignInState.EXPIRED))
    assert ordered(zoe, call, adam, waiting("will"), busy, ended) == [
        "will",
        "xaver",
        "bea",
        "yan",
        "adam",
        "zoe",
    ]


def test_a_call_that_begins_moves_nobody_who_is_busy_already() -> None:
    busy = [person(name, Availability.BUSY, Activity.BUSY) for name in ("ann", "ben")]
    assert ordered(*busy) == ordered(busy[0], person("ben")) == ["ann", "ben"]


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
