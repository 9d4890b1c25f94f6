"""A real HTTP client reads presence from the simulated Graph over TLS."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Person, Tenant, guid
from tests.fakes.microsoft.faults import ENDPOINTS
from tests.fakes.microsoft.wording import Layout, Wording
from tests.integration.graph_reader import BULK, Reader


@pytest.fixture
def bob(microsoft: ScriptedMicrosoft, tenant: Tenant) -> Person:
    return microsoft.directory.add_person(tenant, "bob@contoso.com")


def ids_of(body: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in body["value"]]


async def test_me_and_my_presence(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.directory.change(alice, "Busy", "InACall", status_message="On the phone")

    status, me = await reader.get("/v1.0/me")
    assert status == 200
    assert (me["id"], me["userPrincipalName"]) == (alice.oid, alice.upn)

    status, presence = await reader.get("/v1.0/me/presence")
    assert status == 200
    assert (presence["availability"], presence["activity"]) == ("Busy", "InACall")
    assert presence["statusMessage"]["publishedDateTime"]
    assert presence["@odata.context"].endswith("/presence/$entity")


async def test_answers_carry_the_ids_and_the_time_that_support_asks_for(
    reader: Reader, clock: ManualClock
) -> None:
    await clock.advance(3600)
    await reader.get("/v1.0/me/presence")

    assert reader.headers["client-request-id"] == "mine-1"
    assert reader.headers["request-id"]
    assert reader.headers["Date"] == "Mon, 23 Nov 2026 10:00:00 GMT"
    assert "ServerInfo" in json.loads(reader.headers["x-ms-ags-diagnostic"])


async def test_the_recent_layout_and_the_small_schema(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.directory.change(alice, "Busy", "InACall")
    microsoft.directory.wording = Wording(layout=Layout.RECENT, small_schema=True)

    _, presence = await reader.get("/v1.0/me/presence")

    assert (presence["availability"], presence["activity"]) == ("inACall", "busy")
    assert "sequenceNumber" not in presence


async def test_without_a_token_or_with_one_nobody_gave_out_graph_asks_for_one(
    reader: Reader,
) -> None:
    reader.token = None
    status, body = await reader.get("/v1.0/me/presence")

    assert status == 401
    assert body["error"]["code"] == "InvalidAuthenticationToken"
    inner = body["error"]["innerError"]
    assert inner["request-id"] == reader.headers["request-id"]
    assert inner["client-request-id"] == "mine-1"
    assert inner["date"] == "2026-11-23T09:00:00"
    assert reader.headers["WWW-Authenticate"].startswith("Bearer ")


async def test_a_token_ends_with_its_time(reader: Reader, clock: ManualClock) -> None:
    await clock.advance(3599)
    assert (await reader.get("/v1.0/me"))[0] == 200
    await clock.advance(1)

    status, body = await reader.get("/v1.0/me")

    assert status == 401
    assert "expired" in body["error"]["message"]


async def test_a_revoked_token_is_refused_and_a_continuous_one_is_challenged(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.tokens.revoke_access(alice.oid)
    assert (await reader.get("/v1.0/me"))[0] == 401
    assert "insufficient_claims" not in reader.headers["WWW-Authenticate"]

    reader.hold("User.Read", person=alice, continuous=True)
    microsoft.tokens.revoke_access(alice.oid)
    assert (await reader.get("/v1.0/me"))[0] == 401
    challenge = reader.headers["WWW-Authenticate"]
    assert 'error="insufficient_claims"' in challenge
    claims = json.loads(base64.b64decode(challenge.split('claims="')[1].rstrip('"')))
    assert claims["access_token"]["nbf"]["essential"] is True

    reader.hold("User.Read", person=alice, continuous=True)
    assert (await reader.get("/v1.0/me"))[0] == 200


async def test_access_tokens_may_outlive_a_revoked_sign_in(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.revoke(alice, access_tokens=False)
    assert (await reader.get("/v1.0/me"))[0] == 200

    microsoft.revoke(alice)
    assert (await reader.get("/v1.0/me"))[0] == 401


async def test_without_the_permission_graph_forbids(reader: Reader, alice: Person) -> None:
    reader.hold("User.Read", person=alice)

    status, body = await reader.get("/v1.0/me/presence")

    assert status == 403
    assert body["error"]["code"] == "Forbidden"
    assert "Presence.Read" in body["error"]["message"]


async def test_an_app_as_itself_has_no_me(reader: Reader) -> None:
    reader.hold("Presence.Read.All")

    assert (await reader.get("/v1.0/me/presence"))[0] == 400


async def test_ones_own_presence_by_guid_needs_no_more_than_me(
    reader: Reader, alice: Person, bob: Person
) -> None:
    assert (await reader.get(f"/v1.0/users/{alice.oid}/presence"))[0] == 200
    assert (await reader.get(f"/v1.0/users/{bob.oid}/presence"))[0] == 403


async def test_others_are_read_by_guid_only(reader: Reader, bob: Person) -> None:
    reader.hold("Presence.Read.All")

    status, presence = await reader.get(f"/v1.0/users/{bob.oid}/presence")
    assert (status, presence["id"]) == (200, bob.oid)
    assert (await reader.get(f"/v1.0/users/{bob.upn}/presence"))[0] == 400
    assert (await reader.get(f"/v1.0/users/{guid('nobody')}/presence"))[0] == 404


async def test_people_of_another_tenant_are_not_seen(
    reader: Reader, microsoft: ScriptedMicrosoft
) -> None:
    fabrikam = microsoft.directory.add_tenant("fabrikam.com")
    carol = microsoft.directory.add_person(fabrikam, "carol@fabrikam.com")
    reader.hold("Presence.Read.All")

    assert (await reader.get(f"/v1.0/users/{carol.oid}/presence"))[0] == 404
    assert (await reader.bulk([carol.oid]))[1]["value"] == []


async def test_many_are_read_in_one_call_and_unknown_ids_are_left_out(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person, bob: Person
) -> None:
    reader.hold("Presence.Read.All")
    microsoft.directory.change(bob, "DoNotDisturb", "Presenting")

    status, body = await reader.bulk([bob.oid, guid("nobody"), alice.oid])

    assert status == 200
    assert ids_of(body) == [bob.oid, alice.oid]
    assert body["value"][0]["activity"] == "Presenting"


async def test_unknown_ids_may_be_padded_instead(
    reader: Reader, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    reader.hold("Presence.Read.All")
    microsoft.behaviour.pads_unknown_ids = True

    _, body = await reader.bulk([alice.oid, guid("nobody")])

    assert ids_of(body) == [alice.oid, guid("nobody")]
    assert body["value"][1]["availability"] == "PresenceUnknown"


@pytest.mark.parametrize(
    ("ids", "status"),
    [
        ([guid(str(n)) for n in range(650)], 200),
        ([guid(str(n)) for n in range(651)], 400),
        ([], 400),
        ("all", 400),
        ([7], 400),
    ],
    ids=["650", "651", "none", "no list", "no text"],
)
async def test_a_bulk_read_takes_up_to_650_ids(
    reader: Reader, ids: Iterable[Any], status: int
) -> None:
    reader.hold("Presence.Read.All")

    assert (await reader.bulk(ids))[0] == status


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(reader: Reader, body: bytes) -> None:
    reader.hold("Presence.Read.All")

    assert (await reader.ask("POST", BULK, data=body))[0] == 400


async def test_a_bulk_read_needs_the_permission_for_all(reader: Reader, alice: Person) -> None:
    assert (await reader.bulk([alice.oid]))[0] == 403


async def test_the_older_address_of_a_presence_works_too(reader: Reader, alice: Person) -> None:
    status, presence = await reader.get(f"/v1.0/communications/presences/{alice.oid}")

    assert (status, presence["id"]) == (200, alice.oid)


async def test_every_endpoint_has_a_name_that_faults_can_use(
    microsoft: ScriptedMicrosoft,
) -> None:
    assert microsoft._runner
    named = set(microsoft._runner.app.router.named_resources())
    grants = {endpoint for endpoint in ENDPOINTS if endpoint.startswith("token.")}

    assert named == set(ENDPOINTS) - grants | {"token"}


async def test_what_graph_does_not_have_is_a_bad_request(reader: Reader) -> None:
    status, body = await reader.get("/v1.0/me/shoesize")

    assert status == 400
    assert "shoesize" in body["error"]["message"]


async def test_too_many_requests_are_answered_with_how_long_to_wait(
    reader: Reader, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    microsoft.throttle.limit = 2
    statuses = [(await reader.get("/v1.0/me"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert reader.headers["Retry-After"] == "30"

    await clock.advance(30)

    assert (await reader.get("/v1.0/me"))[0] == 200
