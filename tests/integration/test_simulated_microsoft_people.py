"""A real HTTP client looks people and groups up in the simulated Graph, and sets presence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Group, Person, Tenant, guid
from tests.integration.graph_reader import Reader

DAY_S = 86_400
SET, CLEAR = "setUserPreferredPresence", "clearUserPreferredPresence"
BUSY = {"availability": "Busy", "activity": "Busy"}


@pytest.fixture
def bob(microsoft: ScriptedMicrosoft, tenant: Tenant) -> Person:
    return microsoft.directory.add_person(tenant, "bob@contoso.com")


class TestUsers:
    @pytest.mark.parametrize("permission", ["User.ReadBasic.All", "User.Read.All"])
    async def test_anybody_is_found_by_name_and_by_guid(
        self, reader: Reader, bob: Person, permission: str
    ) -> None:
        reader.hold(permission)
        for name in (bob.oid, "BOB@contoso.com"):
            status, user = await reader.get(f"/v1.0/users/{name}")
            assert (status, user["id"], user["displayName"]) == (200, bob.oid, "Bob")

    async def test_only_what_is_selected_is_answered(self, reader: Reader, bob: Person) -> None:
        reader.hold("User.Read.All")
        _, user = await reader.get(f"/v1.0/users/{bob.oid}?$select=id, displayName")

        assert {key for key in user if not key.startswith("@")} == {"id", "displayName"}

    async def test_oneself_needs_no_more_than_me_but_others_do(
        self, reader: Reader, alice: Person, bob: Person
    ) -> None:
        assert (await reader.get(f"/v1.0/users/{alice.upn}"))[0] == 200
        assert (await reader.get(f"/v1.0/users/{bob.upn}"))[0] == 403

    async def test_who_is_not_there_is_not_found(
        self, reader: Reader, microsoft: ScriptedMicrosoft
    ) -> None:
        fabrikam = microsoft.directory.add_tenant("fabrikam.com")
        microsoft.directory.add_person(fabrikam, "carol@fabrikam.com")
        reader.hold("User.Read.All")
        for name in ("nobody@contoso.com", "carol@fabrikam.com"):
            status, body = await reader.get(f"/v1.0/users/{name}")
            assert (status, body["error"]["code"]) == (404, "Request_ResourceNotFound")


class TestGroups:
    @pytest.fixture
    def team(self, microsoft: ScriptedMicrosoft, tenant: Tenant) -> list[Person]:
        names = (f"p{n:03}@contoso.com" for n in range(250))
        return [microsoft.directory.add_person(tenant, name) for name in names]

    @pytest.fixture
    def office(self, microsoft: ScriptedMicrosoft, tenant: Tenant, team: list[Person]) -> Group:
        return microsoft.directory.add_group(tenant, "Office", team)

    @pytest.fixture(autouse=True)
    def _allowed(self, reader: Reader) -> None:
        reader.hold("GroupMember.Read.All")

    async def pages(self, reader: Reader, path: str) -> list[list[dict[str, Any]]]:
        found = []
        while path:
            status, body = await reader.get(path)
            assert status == 200
            found.append(body["value"])
            path = body.get("@odata.nextLink", "")
        return found

    async def test_members_come_page_by_page_each_once_in_order(
        self, reader: Reader, office: Group, team: list[Person]
    ) -> None:
        pages = await self.pages(reader, f"/v1.0/groups/{office.group_id}/members")

        assert [len(page) for page in pages] == [100, 100, 50]
        assert [user["id"] for page in pages for user in page] == [one.oid for one in team]
        assert pages[0][0]["@odata.type"] == "#microsoft.graph.user"

    async def test_the_size_of_a_page_and_the_selection_last_over_all_pages(
        self, reader: Reader, office: Group
    ) -> None:
        path = f"/v1.0/groups/{office.group_id}/members?$top=125&$select=id"
        pages = await self.pages(reader, path)

        assert [len(page) for page in pages] == [125, 125]
        assert set(pages[1][0]) == {"@odata.type", "id"}

    async def test_a_group_within_is_a_member_and_transitively_its_members_are(
        self,
        reader: Reader,
        microsoft: ScriptedMicrosoft,
        tenant: Tenant,
        alice: Person,
        bob: Person,
    ) -> None:
        inner = microsoft.directory.add_group(tenant, "Inner", [alice])
        outer = microsoft.directory.add_group(tenant, "Outer", [bob, alice, inner])
        inner.members.append(outer)
        root = f"/v1.0/groups/{outer.group_id}"

        async def ids(path: str) -> list[str]:
            return [member["id"] for page in await self.pages(reader, path) for member in page]

        assert await ids(f"{root}/members") == [bob.oid, alice.oid, inner.group_id]
        users = "microsoft.graph.user"
        assert await ids(f"{root}/members/{users}") == [bob.oid, alice.oid]
        assert await ids(f"{root}/transitiveMembers/{users}") == [bob.oid, alice.oid]
        assert inner.group_id in await ids(f"{root}/transitiveMembers")

    @pytest.mark.parametrize(
        ("query", "status"),
        [("$top=999", 200), ("$top=1000", 400), ("$top=0", 400), ("$skiptoken=x", 400)],
    )
    async def test_paging_has_its_limits(
        self, reader: Reader, office: Group, query: str, status: int
    ) -> None:
        found = await reader.get(f"/v1.0/groups/{office.group_id}/members?{query}")

        assert found[0] == status

    async def test_an_unknown_group_is_not_found_and_the_permission_is_needed(
        self, reader: Reader, office: Group
    ) -> None:
        assert (await reader.get(f"/v1.0/groups/{guid('none')}/members"))[0] == 404
        reader.hold("User.Read.All")
        assert (await reader.get(f"/v1.0/groups/{office.group_id}/members"))[0] == 403


class TestWriting:
    @pytest.fixture(autouse=True)
    def _allowed(self, reader: Reader, alice: Person) -> None:
        reader.hold("Presence.ReadWrite", person=alice)

    async def shown(self, reader: Reader) -> str:
        _, presence = await reader.get("/v1.0/me/presence")
        return str(presence["activity"])

    async def write(self, reader: Reader, action: str, body: Any, who: str = "me") -> int:
        return (await reader.post(f"/v1.0/{who}/presence/{action}", body))[0]

    async def test_a_preferred_state_stands_until_it_is_cleared(self, reader: Reader) -> None:
        assert await self.write(reader, SET, BUSY) == 200
        assert await self.shown(reader) == "Busy"

        assert await self.write(reader, CLEAR, {}) == 200
        assert await self.shown(reader) == "Available"

    @pytest.mark.parametrize(
        ("chosen", "lasts_s"),
        [
            ({"activity": "Busy"}, DAY_S),
            ({"activity": "DoNotDisturb"}, DAY_S),
            ({"activity": "Away"}, 7 * DAY_S),
            ({"activity": "Busy", "expirationDuration": "PT1H30M"}, 5400),
            ({"activity": "Away", "expirationDuration": "P2DT1S"}, 2 * DAY_S + 1),
        ],
    )
    async def test_a_preferred_state_ends_with_its_duration(
        self,
        reader: Reader,
        alice: Person,
        clock: ManualClock,
        chosen: dict[str, str],
        lasts_s: int,
    ) -> None:
        word = chosen["activity"]
        await self.write(reader, SET, {"availability": word} | chosen)

        for advance_s, expected in ((lasts_s - 1, word), (1, "Available")):
            await clock.advance(advance_s)
            reader.hold("Presence.ReadWrite", person=alice)
            assert await self.shown(reader) == expected

    async def test_without_a_session_one_stays_offline(
        self, reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
    ) -> None:
        microsoft.directory.change(alice, "Offline")
        await self.write(reader, SET, BUSY)

        assert await self.shown(reader) == "Offline"

    @pytest.mark.parametrize(
        "body",
        [
            {"availability": "Busy", "activity": "InACall"},
            {"availability": "Busy"},
            {"availability": "Offline", "activity": "Offline"},
            BUSY | {"expirationDuration": "soon"},
            BUSY | {"expirationDuration": "PT0S"},
            BUSY | {"expirationDuration": "P"},
            BUSY | {"expirationDuration": 60},
        ],
    )
    async def test_what_cannot_be_preferred_is_refused(self, reader: Reader, body: Any) -> None:
        assert await self.write(reader, SET, body) == 400
        assert await self.shown(reader) == "Available"

    async def test_appearing_offline_is_a_pair_of_its_own(self, reader: Reader) -> None:
        offline = {"availability": "Offline", "activity": "OffWork"}

        assert await self.write(reader, SET, offline) == 200
        assert await self.shown(reader) == "OffWork"

    async def test_a_status_message_is_set_published_and_cleared(
        self, reader: Reader, clock: ManualClock
    ) -> None:
        until = {"dateTime": "2026-11-23T10:30:00", "timeZone": "W. Europe Standard Time"}
        message = {"message": {"content": "Writing", "contentType": "text"}}
        body = {"statusMessage": message | {"expiryDateTime": until}}
        assert await self.write(reader, "setStatusMessage", body) == 200

        _, presence = await reader.get("/v1.0/me/presence")
        status = presence["statusMessage"]
        assert status["message"]["content"] == "Writing"
        assert status["expiryDateTime"] == {
            "dateTime": "2026-11-23T09:30:00.0000000",
            "timeZone": "UTC",
        }

        await clock.advance(30 * 60)
        assert (await reader.get("/v1.0/me/presence"))[1]["statusMessage"] is None

        await self.write(reader, "setStatusMessage", {"statusMessage": message})
        empty = {"statusMessage": {"message": {"content": ""}}}
        await self.write(reader, "setStatusMessage", empty)
        assert (await reader.get("/v1.0/me/presence"))[1]["statusMessage"] is None

    @pytest.mark.parametrize(
        "status",
        [
            None,
            {},
            {"message": "text"},
            {"message": {"content": "x", "contentType": "html"}},
            {"message": {"content": "x"}, "expiryDateTime": {"dateTime": "soon"}},
            {
                "message": {"content": "x"},
                "expiryDateTime": {"dateTime": "2026-11-23T10:30:00Z", "timeZone": "UTC"},
            },
            {
                "message": {"content": "x"},
                "expiryDateTime": {"dateTime": "2026-11-23T10:30:00", "timeZone": "Mars"},
            },
        ],
    )
    async def test_a_status_message_that_cannot_be_read_is_refused(
        self, reader: Reader, status: Any
    ) -> None:
        assert await self.write(reader, "setStatusMessage", {"statusMessage": status}) == 400

    async def test_a_place_to_work_stands_before_the_calendar_until_it_is_cleared(
        self, reader: Reader, microsoft: ScriptedMicrosoft, alice: Person, bob: Person
    ) -> None:
        microsoft.directory.change(alice, work_location="office")

        async def told() -> Any:
            return (await reader.get("/v1.0/me/presence"))[1]["workLocation"]

        body = {"workLocationType": "remote", "placeId": "place-1"}
        assert await self.write(reader, "setManualLocation", body, f"users/{alice.oid}") == 204
        assert await told() == body | {"source": "manual"}
        assert (await reader.ask("POST", "/v1.0/me/presence/clearLocation"))[0] == 204
        assert await told() == {
            "workLocationType": "office",
            "source": "scheduled",
            "placeId": None,
        }
        assert await self.write(reader, "clearLocation", {}) == 400, "it takes no body"
        assert await self.write(reader, "setManualLocation", body, f"users/{bob.oid}") == 401

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"workLocationType": None},
            {"workLocationType": "home"},
            {"workLocationType": "office", "placeId": 7},
            {"workLocationType": "office", "building": "B"},
        ],
    )
    async def test_a_place_that_is_none_is_refused(self, reader: Reader, body: Any) -> None:
        assert await self.write(reader, "setManualLocation", body) == 400

    async def test_one_sets_ones_own_presence_only(
        self, reader: Reader, alice: Person, bob: Person
    ) -> None:
        assert await self.write(reader, SET, BUSY, f"users/{alice.oid}") == 200
        assert await self.write(reader, SET, BUSY, f"users/{bob.oid}") == 401

    async def test_an_app_sets_anybodys_with_the_permission_for_all(
        self, reader: Reader, bob: Person
    ) -> None:
        reader.hold("Presence.Read.All")
        assert await self.write(reader, SET, BUSY, f"users/{bob.oid}") == 403

        reader.hold("Presence.ReadWrite.All")
        assert await self.write(reader, SET, BUSY, f"users/{bob.oid}") == 200
        assert bob.facts.shown.activity == "Busy"
        assert await self.write(reader, SET, BUSY, f"users/{guid('nobody')}") == 404

    async def test_who_may_only_read_may_not_write(self, reader: Reader, alice: Person) -> None:
        reader.hold("Presence.Read", person=alice)

        assert await self.write(reader, CLEAR, {}) == 403
