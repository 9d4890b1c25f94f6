"""Many people through one sign-in: who is read, under which name, with how many requests."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from bridge.contract.account import SignInState
from bridge.contract.errors import AccessRefusedError, SourceDataError, SourceUnavailableError
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Fault
from tests.integration.microsoft.office import BULK, MEMBERS, USER, Office

HOUR_S = 3600
ALL = {"Presence.Read.All", "User.Read.All", "GroupMember.Read.All"}


def people(*whom: Person | str) -> dict[str, Any]:
    names = [person if isinstance(person, str) else person.upn for person in whom]
    return {"sign_in": "app", "people": names}


def group(group_id: str) -> dict[str, Any]:
    return {"sign_in": "app", "group": group_id}


@pytest.fixture
def office(office: Office) -> Office:
    office.home.app.roles = set(ALL)
    return office


async def test_names_are_looked_up_once_and_remembered_over_a_restart(office: Office) -> None:
    ann, ben = office.hire("ann.b", "ben")
    tables = {"office": people(ann, ben.oid)}
    for _ in range(2):
        async with office.open(tables) as running:
            expected = {"office_ann_b", f"office_{ben.oid.replace('-', '')}"}
            assert set(running["office"].accounts) == expected
            await running.until_shown("office", expected)
            await office.clock.advance(HOUR_S + 1)
            await running.shown("office")
    assert office.count(USER) == 1


async def test_who_is_named_by_an_address_has_the_name_that_microsoft_shows_of_them(
    office: Office,
) -> None:
    ann, ben, carl = office.hire("ann.b", "ben", "carl")
    ann.name, ben.name, carl.name = "Ann Berg", "Ben Bo", "Carl Cox"
    tables: dict[str, Any] = {
        "office": people(ann),
        "ben": {"sign_in": "app", "user": ben.upn},
        "carl": {"sign_in": "app", "user": carl.upn, "name": "Our Carl"},
    }
    for _ in range(2):  # also as remembered
        async with office.open(tables) as running:
            shown: dict[str, str] = {}
            for table in tables:
                await running.until_shown(table, set(running[table].accounts))
                shown |= running[table].accounts
        assert shown == {"office_ann_b": "Ann Berg", "ben": "Ben Bo", "carl": "Our Carl"}


async def test_a_name_that_nobody_has_is_reported_once_and_keeps_nobody_waiting(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    (ann,) = office.hire("ann")
    async with office.open({"office": people(ann, "gone@contoso.com")}) as running:
        for _ in range(3):
            assert await running.shown("office") == {"office_ann": "Available"}
            await office.clock.advance(HOUR_S + 1)
        assert set(running["office"].accounts) == {"office_ann", "office_gone"}
        assert caplog.text.count("nobody in the tenant is called gone@contoso.com") == 1
        office.hire("gone")
        await office.clock.advance(HOUR_S + 1)
        await running.until_shown("office", {"office_ann", "office_gone"})


async def test_a_single_name_that_nobody_has_is_a_persons_job(office: Office) -> None:
    async with office.open({"boss": {"sign_in": "app", "user": "x@contoso.com"}}) as running:
        assert running["boss"].accounts == {"boss": "boss"}
        with pytest.raises(AccessRefusedError, match=r"called x@contoso\.com\. Check the name"):
            await running.shown("boss")


async def test_names_without_the_permission_say_which_one_and_guids_are_read(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.home.app.roles = {"Presence.Read.All"}
    ann, ben = office.hire("ann", "ben")
    async with office.open({"office": people(ann, ben.oid)}) as running:
        await office.simulated.requests.until(USER, 1)
        await office.clock.until_asleep()
        assert list(await running.shown("office")) == [f"office_{ben.oid.replace('-', '')}"]
    async with office.open({"office": people(ann)}) as running:
        with pytest.raises(AccessRefusedError, match=r"User\.Read\.All"):
            await running.shown("office")
    assert caplog.text.count("Add the permission User.Read.All") == 1


async def test_650_people_are_one_request_and_651_are_two(office: Office) -> None:
    crowd = office.hire(*(f"p{number}" for number in range(651)))
    async with office.open({"office": people(*(person.oid for person in crowd[:650]))}) as running:
        assert len(await running.shown("office")) == 650
        assert office.count(BULK) == running["office"].calls == 1
    async with office.open({"office": people(*(person.oid for person in crowd))}) as running:
        assert len(await running.shown("office")) == 651
        assert office.count(BULK) == 1 + 2
        assert running["office"].calls == 2


@pytest.mark.parametrize("pads", [False, True])
async def test_who_is_missing_in_an_answer_is_unknown_and_the_others_are_read(
    office: Office, *, pads: bool
) -> None:
    office.simulated.behaviour.pads_unknown_ids = pads
    ann, ben = office.hire("ann", "ben")
    async with office.open({"office": people(ann, ben)}) as running:
        assert len(await running.shown("office")) == 2
        office.home.directory.remove_person(ben)
        shown = await running.shown("office")
        assert shown.get("office_ben") == ("PresenceUnknown" if pads else None)
        assert shown["office_ann"] == "Available"
        presences = await running["office"].read()
        assert not pads or presences["office_ben"].availability is None


async def test_answers_are_matched_by_id_whatever_their_order_and_what_else_is_in_them(
    office: Office, home: Household
) -> None:
    ann, ben = office.hire("ann", "ben")
    home.directory.change(ben, "Busy", "InACall")
    own = [home.directory.presence_resource(person, own=False) for person in (ben, ann)]
    strange = [{"id": "somebody", "availability": "Busy"}, {"id": ann.oid}, 7, {"id": None}]
    own[1]["id"] = own[1]["id"].upper()
    body = json.dumps({"value": [*strange, *own]}).encode()
    office.simulated.faults.add(Fault(BULK, body=body))
    async with office.open({"office": people(ann, ben)}) as running:
        assert await running.shown("office") == {"office_ann": "Available", "office_ben": "Busy"}


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"value": {}}', b"nonsense"])
async def test_an_answer_that_is_no_list_is_reported(office: Office, body: bytes) -> None:
    office.simulated.faults.add(Fault(BULK, body=body))
    async with office.open({"office": people(*office.hire("ann"))}) as running:
        with pytest.raises(SourceDataError):
            await running.shown("office")


async def test_the_same_version_of_a_presence_is_the_same_object(
    office: Office, home: Household
) -> None:
    ann, ben = office.hire("ann", "ben")
    async with office.open({"office": people(ann, ben)}) as running:
        first = await running["office"].read()
        home.directory.change(ben, "Busy")
        second = await running["office"].read()
        assert second["office_ann"] is first["office_ann"]
        assert second["office_ben"].raw_availability == "Busy"


async def test_an_answer_of_before_is_what_it_says_whatever_came_in_between(
    office: Office, home: Household
) -> None:
    ann, ben = office.hire("ann", "ben")

    def answer(*whom: Person) -> Fault:
        resources = [home.directory.presence_resource(person, own=False) for person in whom]
        return Fault(BULK, body=json.dumps({"value": resources}).encode())

    first = answer(ann, ben)
    home.directory.change(ann, "Busy", "InACall")
    halves = answer(ann), answer(ben)
    async with office.open({"office": people(ann, ben)}) as running:
        office.simulated.faults.add(first)
        before = await running["office"].read()
        for _ in range(2):
            office.simulated.faults.add(Fault(BULK, status=400), *halves, first)
            assert (await running["office"].read())["office_ann"] != before["office_ann"]
            assert await running["office"].read() == before


async def test_the_same_answer_has_the_same_people_also_when_somebody_is_missing_in_it(
    office: Office, home: Household
) -> None:
    ann, ben, carl = office.hire("ann", "ben", "carl")
    both, alone, other = (
        {"value": [home.directory.presence_resource(person, own=False) for person in whom]}
        for whom in ([ann, ben], [ann], [ann, carl])
    )
    tables = {"office": people(ann, ben), "more": people(carl)}
    async with office.open(tables) as running:
        await running["more"].read()
        for answer in (both, both, alone, alone, both, other, other):
            office.simulated.faults.add(Fault(BULK, body=json.dumps(answer).encode()))
            expected = {"office_ann", "office_ben"} if answer is both else {"office_ann"}
            assert (await running["office"].read()).keys() == expected


async def test_the_name_of_a_member_is_one_clean_line(office: Office, home: Household) -> None:
    (ann,) = office.hire("ann")
    ann.name = " Ann\r\n\x1b[31m\u202eNna " + "x" * 1000
    team = home.directory.add_group(home.tenant, "team", [ann])
    async with office.open({"team": group(team.group_id)}) as running:
        await running.shown("team")
        (name,) = running["team"].accounts.values()
        assert name.startswith("Ann [31mNna x")
        assert name.isprintable()
        assert len(name) == 256


@pytest.mark.parametrize(
    "news",
    [
        {"statusMessage": {"message": {"content": "lunch", "contentType": "text"}}},
        {"outOfOfficeSettings": {"isOutOfOffice": True, "message": None}},
        {"outOfOfficeSettings": {"isOutOfOffice": False, "message": "back on Monday"}},
        {"workLocation": {"workLocationType": "remote", "source": "manual", "placeId": None}},
        {"workLocation": {"workLocationType": "office", "source": "automatic", "placeId": None}},
    ],
)
async def test_a_change_of_one_fact_is_seen_whatever_the_version_says(
    office: Office, home: Household, news: dict[str, Any]
) -> None:
    (ann,) = office.hire("ann")
    home.directory.change(ann, "Busy", out_of_office=False, work_location="office")
    told = home.directory.presence_resource(ann, own=False)
    for resource in (told, told, told | news):
        office.simulated.faults.add(Fault(BULK, body=json.dumps({"value": [resource]}).encode()))
    async with office.open({"office": people(ann)}) as running:
        first, same, other = [(await running["office"].read())["office_ann"] for _ in range(3)]
        assert same is first
        assert other != first


async def test_ids_that_spoil_a_request_are_found_and_left_out_longer_each_time(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = office.hire(*(f"p{number}" for number in range(8)))
    refused = [Fault(BULK, status=404)] * 3, [Fault(BULK, status=400)]
    office.simulated.faults.add(*refused[0], *refused[1])
    async with office.open({"office": people(*crowd)}) as running:
        for left_out_s in (60, 120):
            assert len(await running.shown("office")) == 7, "8, 4, 2 and 1 were refused"
            before = office.count(BULK)
            await office.clock.advance(left_out_s - 1)
            assert len(await running.shown("office")) == 7
            assert office.count(BULK) == before + 1
            await office.clock.advance(1)
            office.simulated.faults.add(*refused[0], *refused[1])
        assert caplog.text.count("refuses to show the presence of") == 1
        office.simulated.faults.clear()
        assert len(await running.shown("office")) == 8


async def test_a_passing_refusal_of_a_whole_request_blames_nobody(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    ann, ben = office.hire("ann", "ben")
    async with office.open({"office": people(ann, ben)}) as running:
        for _ in range(2):
            office.simulated.faults.add(*[Fault(BULK, status=400)] * 3)
            with pytest.raises(SourceDataError, match="anybody's presence"):
                await running.shown("office")
        assert len(await running.shown("office")) == 2
        office.simulated.faults.add(Fault(BULK, status=400))
        assert len(await running.shown("office")) == 2, "its halves were answered"
    assert "refuses to show the presence of" not in caplog.text


async def test_a_cloud_that_refuses_every_request_is_not_asked_for_each_id(office: Office) -> None:
    office.simulated.faults.add(Fault(BULK, status=404, times=None))
    crowd = office.hire(*(f"p{number}" for number in range(200)))
    async with office.open({"office": people(*(person.oid for person in crowd))}) as running:
        with pytest.raises(SourceDataError, match="many people at once"):
            await running.shown("office")
    assert office.count(BULK) < 20


async def test_a_part_that_fails_keeps_nobody_else_from_being_read(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    crowd = [person.oid for person in office.hire(*(f"p{number}" for number in range(1400)))]
    async with office.open({"office": people(*crowd)}) as running:
        await running.shown("office")
        office.simulated.faults.add(Fault(BULK, status=500))
        with pytest.raises(SourceUnavailableError):
            await running.shown("office")
        assert len(await running.shown("office")) == 1400, "begun behind the one that failed"
        await asyncio.gather(_fail_second(office), running.shown("office"))
        assert len(await running.shown("office")) == 1400
    assert caplog.text.count("some people could not be read") <= 1


async def _fail_second(office: Office) -> None:
    done = office.count(BULK)
    await office.simulated.requests.until(BULK, done + 1)
    office.simulated.faults.add(Fault(BULK, status=500))


async def test_a_group_is_read_page_by_page_with_the_groups_within(
    office: Office, home: Household
) -> None:
    crowd = office.hire(*(f"p{number}" for number in range(1500)))
    inner = home.directory.add_group(home.tenant, "inner", crowd[1000:])
    staff = home.directory.add_group(home.tenant, "staff", [*crowd[:1000], inner])
    async with office.open({"staff": group(staff.group_id)}) as running:
        shown = await running.shown("staff")
        assert set(shown) == {f"staff_p{number}" for number in range(1500)}
        assert running["staff"].accounts["staff_p7"] == "P7"
    assert office.count(f"{MEMBERS}*") == 2
    assert office.count(BULK) == 3


async def test_who_comes_and_goes_is_found_every_hour_with_one_line(
    office: Office, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    ann, ben = office.hire("ann", "ben")
    staff = home.directory.add_group(home.tenant, "staff", [ann, ben])
    async with office.open({"staff": group(staff.group_id)}) as running:
        assert set(await running.shown("staff")) == {"staff_ann", "staff_ben"}
        before = running["staff"].accounts
        await running.shown("staff")
        assert running["staff"].accounts is before
        staff.members[:] = [ben, *office.hire("cat", "dan")]
        await office.clock.advance(HOUR_S - 10)
        assert office.count(MEMBERS) == 1
        await office.clock.advance(20)
        await running.until_shown("staff", {"staff_ben", "staff_cat", "staff_dan"})
        assert set(running["staff"].accounts) == {"staff_ben", "staff_cat", "staff_dan"}
    assert caplog.text.count("staff: 3 members, 2 new, 1 gone") == 1
    assert caplog.text.count("members,") == 2


async def test_members_are_there_at_once_after_a_restart_with_the_names_they_had(
    office: Office, home: Household
) -> None:
    (ann,) = office.hire("ann")
    staff = home.directory.add_group(home.tenant, "staff", [ann])
    async with office.open({"staff": group(staff.group_id)}) as running:
        await running.shown("staff")
        await asyncio.sleep(0)
    ann.upn = "ann.married@contoso.com"
    office.simulated.faults.add(Fault(f"{MEMBERS}*", status=500, times=None))
    async with office.open({"staff": group(staff.group_id)}) as running:
        assert list(running["staff"].accounts) == ["staff_ann"]
        assert await running.shown("staff") == {"staff_ann": "Available"}
        await office.clock.until_asleep()
        office.simulated.faults.clear()
        asked = office.count(MEMBERS)
        await office.clock.advance(6)
        await office.simulated.requests.until(MEMBERS, asked + 1)
        assert list(await running.shown("staff")) == ["staff_ann"]


@pytest.mark.parametrize(
    ("roles", "group_id", "told"),
    [
        ({"Presence.Read.All"}, None, r"GroupMember\.Read\.All"),
        (ALL, "11111111-2222-3333-4444-555555555555", "There is no group 11111111"),
    ],
)
async def test_a_group_that_cannot_be_read_is_reported_with_the_remedy(
    office: Office, home: Household, roles: set[str], group_id: str | None, told: str
) -> None:
    home.app.roles = set(roles)
    staff = home.directory.add_group(home.tenant, "staff", office.hire("ann"))
    async with office.open({"staff": group(group_id or staff.group_id)}) as running:
        with pytest.raises(AccessRefusedError, match=told):
            await running.shown("staff")
        assert running["staff"].accounts == {}


async def test_a_next_page_somewhere_else_never_gets_the_token(
    office: Office, home: Household
) -> None:
    page = {"value": [], "@odata.nextLink": "https://elsewhere.test/v1.0/groups"}
    office.simulated.faults.add(Fault(f"{MEMBERS}*", body=json.dumps(page).encode(), times=None))
    staff = home.directory.add_group(home.tenant, "staff", [])
    async with office.open({"staff": group(staff.group_id)}) as running:
        with pytest.raises(SourceDataError, match="on another host"):
            await running.shown("staff")


async def test_somebody_in_two_tables_is_read_once_under_the_stronger_name(
    office: Office, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    ann, ben = office.hire("ann", "ben")
    staff = home.directory.add_group(home.tenant, "staff", [ann, ben])
    tables = {"staff": group(staff.group_id), "boss": {"sign_in": "app", "user": ann.oid}}
    async with office.open(tables) as running:
        for _ in range(2):
            assert await running.shown("boss") == {"boss": "Available"}
            assert await running.shown("staff") == {"staff_ben": "Available"}
        assert caplog.text.count("read through boss and left out here") == 1
        running["boss"].reader.release()
        assert set(await running.shown("staff")) == {"staff_ann", "staff_ben"}


async def test_a_person_who_signed_in_watches_others_in_bulk(
    office: Office, home: Household, alice: Person
) -> None:
    office.simulated.auto_approve(alice)
    ann, ben = office.hire("ann", "ben")
    async with office.open({"team": {"watch": [ann.oid, ben.upn]}}) as running:
        running["team"].credentials.request()
        await running.until("team", SignInState.CODE_PENDING)
        await office.clock.until_asleep(2)
        await office.clock.advance(5)
        await running.until("team", SignInState.SIGNED_IN)
        expected = {f"team_{ann.oid.replace('-', '')}", "team_ben"}
        assert set(running["team"].accounts) == expected
        await running.until_shown("team", expected)
    assert office.count("me.presence") == 0
