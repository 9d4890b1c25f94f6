"""What is scripted to go wrong goes wrong as it does at Microsoft, seen by real clients."""

from __future__ import annotations

import asyncio
import base64
import json

import aiohttp
import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.aadsts import KINDS
from tests.fakes.microsoft.directory import App, Person, Tenant
from tests.fakes.microsoft.faults import OVERSIZED, Cut, Fault, Nonsense
from tests.fakes.microsoft.server import DIAGNOSTIC

PRESENCE = "/v1.0/me/presence"


@pytest.fixture
def signed_in(
    http: aiohttp.ClientSession, microsoft: ScriptedMicrosoft, app: App, alice: Person
) -> aiohttp.ClientSession:
    """The client, with Alice's token in every request."""
    token = microsoft.tokens.issue_access(
        client_id=app.client_id,
        tenant_id=app.tenant_id,
        oid=alice.oid,
        permissions=frozenset({"Presence.Read", "User.Read"}),
    )
    http.headers["Authorization"] = f"Bearer {token.value}"
    return http


async def read(session: aiohttp.ClientSession, path: str = PRESENCE) -> tuple[int, bytes]:
    async with session.get(path) as answer:
        return answer.status, await answer.read()


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 502, 503, 504, 509])
async def test_graph_fails_with_any_status_in_its_own_words(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, status: int
) -> None:
    microsoft.faults.add(Fault("me.presence", status=status))

    answered, body = await read(signed_in)

    assert answered == status
    error = json.loads(body)["error"]
    assert error["code"] != "UnknownError"
    assert error["innerError"]["request-id"]
    assert (await read(signed_in))[0] == 200


@pytest.mark.parametrize("wait", [17, "Mon, 23 Nov 2026 09:02:00 GMT", None])
async def test_a_status_may_say_how_long_to_wait(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, wait: int | str | None
) -> None:
    microsoft.faults.add(Fault("graph", status=503, retry_after=wait, headers={"X-Mine": "1"}))

    async with signed_in.get(PRESENCE) as answer:
        assert answer.headers.get("Retry-After") == (str(wait) if wait else None)
        assert answer.headers["X-Mine"] == "1"
        assert answer.headers["x-ms-ags-diagnostic"] == DIAGNOSTIC


async def test_a_claims_challenge_carries_the_claims(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession
) -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1795424400"}}}'
    microsoft.faults.add(Fault("me.presence", challenge=claims))

    async with signed_in.get(PRESENCE) as answer:
        header = answer.headers["WWW-Authenticate"]

    assert answer.status == 401
    assert base64.b64encode(claims.encode()).decode() in header


@pytest.mark.parametrize("kind", [kind for kind in Nonsense if kind is not Nonsense.OVERSIZED])
async def test_nonsense_comes_with_status_200(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, kind: Nonsense
) -> None:
    microsoft.faults.add(Fault("me.presence", nonsense=kind))

    status, body = await read(signed_in)

    assert status == 200
    assert b'"sequenceNumber"' not in body


async def test_an_oversized_body_is_really_sent(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession
) -> None:
    microsoft.faults.add(Fault("me.presence", nonsense=Nonsense.OVERSIZED))

    assert len((await read(signed_in))[1]) > OVERSIZED


async def test_a_body_of_ones_own(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession
) -> None:
    microsoft.faults.add(Fault("me.presence", status=418, body=b"short", content_type="text/plain"))

    assert await read(signed_in) == (418, b"short")


async def test_a_connection_cut_before_the_headers_is_no_answer(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession
) -> None:
    microsoft.faults.add(Fault("me.presence", cut=Cut.BEFORE_HEADERS, times=2))

    with pytest.raises(aiohttp.ClientConnectionError):
        await read(signed_in)

    # aiohttp repeats a GET once by itself
    assert [entry.status for entry in microsoft.requests.of("me.presence")] == [0, 0]
    assert (await read(signed_in))[0] == 200


async def test_a_connection_cut_in_the_body_is_half_an_answer(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession
) -> None:
    microsoft.faults.add(Fault("me.presence", cut=Cut.IN_BODY))

    async with signed_in.get(PRESENCE) as answer:
        assert answer.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()

    assert (await read(signed_in))[0] == 200


async def test_a_delay_lasts_as_long_as_the_clock_says_and_then_comes_the_true_answer(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, clock: ManualClock
) -> None:
    microsoft.faults.add(Fault("me.presence", delay_s=20))
    slow = asyncio.create_task(read(signed_in))
    await clock.until_asleep()
    assert not slow.done()

    await clock.advance(20)

    assert (await slow)[0] == 200


async def test_a_client_that_gives_up_ends_the_delay(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, clock: ManualClock
) -> None:
    microsoft.faults.add(Fault("me.presence", delay_s=20))
    slow = asyncio.create_task(read(signed_in))
    await clock.until_asleep()

    slow.cancel()

    async with asyncio.timeout(5):
        while clock.sleepers:  # noqa: ASYNC110 - the clock does not tell who left
            await asyncio.sleep(0.001)


async def test_a_fault_for_one_person_meets_their_token(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, alice: Person
) -> None:
    microsoft.faults.add(Fault("graph", status=503, person="bob@contoso.com"))
    assert (await read(signed_in))[0] == 200

    microsoft.faults.add(Fault("graph", status=503, person=alice.oid))
    assert (await read(signed_in))[0] == 503


class TestIdentity:
    """Faults in front of the login host."""

    @pytest.fixture
    def address(self, tenant: Tenant) -> str:
        return f"/{tenant.tenant_id}/oauth2/v2.0/token"

    @pytest.fixture
    def form(self, app: App) -> dict[str, str]:
        return {"client_id": app.client_id, "grant_type": "refresh_token"}

    async def test_the_token_endpoint_refuses_with_any_number(
        self,
        microsoft: ScriptedMicrosoft,
        http: aiohttp.ClientSession,
        address: str,
        form: dict[str, str],
        subtests: pytest.Subtests,
    ) -> None:
        for code in KINDS:
            with subtests.test(code=code):
                microsoft.faults.add(Fault("token.refresh_token", aadsts=code))

                async with http.post(address, data=form) as answer:
                    body = await answer.json()

                assert body["error_codes"] == [code]
                assert answer.status == KINDS[code].status
                assert answer.headers["x-ms-request-id"] == body["trace_id"]

    async def test_trouble_is_a_page_and_too_many_requests_are_json(
        self,
        microsoft: ScriptedMicrosoft,
        http: aiohttp.ClientSession,
        address: str,
        form: dict[str, str],
    ) -> None:
        microsoft.faults.add(
            Fault("identity", status=500), Fault("identity", status=429, retry_after=9)
        )

        async with http.post(address, data=form) as answer:
            assert (answer.status, answer.content_type) == (500, "text/html")
        async with http.post(address, data=form) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "9")
            assert (await answer.json())["error_codes"] == [90055]

    async def test_discovery_can_fail_too(
        self, microsoft: ScriptedMicrosoft, http: aiohttp.ClientSession, tenant: Tenant
    ) -> None:
        microsoft.faults.add(Fault("discovery", nonsense=Nonsense.HTML))

        status, body = await read(http, f"/{tenant.domain}/v2.0/.well-known/openid-configuration")

        assert status == 200
        assert body.startswith(b"<html>")


async def test_the_log_knows_who_asked_for_what_and_when(
    microsoft: ScriptedMicrosoft,
    signed_in: aiohttp.ClientSession,
    clock: ManualClock,
    alice: Person,
    app: App,
) -> None:
    await clock.advance(60)
    await read(signed_in)
    (entry,) = microsoft.requests.of("me.presence")

    assert (entry.method, entry.path, entry.status) == ("GET", PRESENCE, 200)
    assert (entry.person, entry.client_id, entry.tenant) == (
        alice.upn,
        app.client_id,
        app.tenant_id,
    )
    assert (entry.at, entry.at_s) == (clock.now(), 60)
    assert entry.headers["authorization"].startswith("Bearer ")


async def test_stopping_drops_requests_that_wait(
    microsoft: ScriptedMicrosoft, signed_in: aiohttp.ClientSession, clock: ManualClock
) -> None:
    microsoft.faults.add(Fault("me.presence", delay_s=1e6))
    slow = asyncio.create_task(read(signed_in))
    await clock.until_asleep()

    async with asyncio.timeout(5):
        await microsoft.__aexit__(None, None, None)

    with pytest.raises(aiohttp.ClientConnectionError):
        await slow
