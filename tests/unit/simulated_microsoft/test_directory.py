from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.directory import Household, household
from tests.fakes.microsoft.presence import Preferred, State


def test_tenants_and_people_are_found_by_guid_and_by_name_in_any_case(home: Household) -> None:
    directory = home.directory

    assert directory.tenant("CONTOSO.com") is home.tenant
    assert directory.tenant(home.tenant.tenant_id) is home.tenant
    assert directory.person("Alice@Contoso.com") is home.person
    assert directory.person_by_oid(home.person.oid.upper()) is home.person
    assert directory.person_by_oid("alice@contoso.com") is None
    assert directory.people == [home.person]


def test_the_same_names_get_the_same_guids_in_the_next_run(
    home: Household, clock: ManualClock
) -> None:
    again = household(clock)

    assert again.tenant.tenant_id == home.tenant.tenant_id
    assert again.app.client_id == home.app.client_id
    assert again.person.oid == home.person.oid


def test_a_change_leaves_alone_what_is_not_given(home: Household) -> None:
    directory, alice = home.directory, home.person
    directory.change(alice, "Busy", "InACall", status_message="On the phone", out_of_office=True)

    directory.change(alice, "Away")

    assert alice.facts.session == State("Away", "Away")
    assert alice.facts.status
    assert alice.facts.status.content == "On the phone"
    assert alice.facts.out_of_office


def test_an_activity_alone_keeps_the_availability(home: Household) -> None:
    home.directory.change(home.person, "Busy")
    home.directory.change(home.person, activity="InAMeeting")

    assert home.person.facts.session == State("Busy", "InAMeeting")


def test_an_empty_text_clears(home: Household) -> None:
    directory, alice = home.directory, home.person
    directory.change(alice, status_message="x", out_of_office_message="y", work_location="office")
    directory.change(alice, status_message="", out_of_office_message="", work_location="")

    assert alice.facts.status is None
    assert alice.facts.out_of_office_message is None
    assert alice.facts.work_location is None


def test_the_sequence_number_grows_as_text_with_each_change(home: Household) -> None:
    seen = []
    for _ in range(12):
        home.directory.change(home.person, "Busy")
        seen.append(home.person.sequence_number)

    assert seen == sorted(seen)
    assert len(set(seen)) == 12


async def test_expiry_counts_as_a_change(home: Household, clock: ManualClock) -> None:
    directory, alice = home.directory, home.person
    busy = Preferred(State("Busy", "Busy"), expires=clock.now() + timedelta(minutes=1))
    directory.put(alice, replace(alice.facts, preferred=busy))
    before = alice.sequence_number

    assert directory.facts_of(alice).shown == busy.state
    assert alice.sequence_number == before
    await clock.advance(60)

    assert directory.facts_of(alice).shown == State()
    assert alice.sequence_number > before


def test_who_leaves_is_found_no_more_and_is_in_no_group(home: Household) -> None:
    group = home.directory.add_group(home.tenant, "Office", [home.person])

    home.directory.remove_person(home.person)

    assert home.directory.person(home.person.oid) is None
    assert home.directory.person(home.person.upn) is None
    assert home.directory.people == []
    assert group.members == []
