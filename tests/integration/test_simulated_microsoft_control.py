"""People with a browser and other processes direct the simulation over HTTPS."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bridge.demo.directory import App, Person, Tenant
from bridge.demo.microsoft import SimulatedMicrosoft
from bridge.demo.presence import State


class Director:
    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def post(self, path: str, body: Any = None, *, status: int = 200) -> Any:
        return await self._ask("POST", path, status, json=body)

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path, 200)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path, 200)

    async def _ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        async with self._http.request(method, f"/control/{path}", **more) as answer:
            assert answer.status == status
            return await answer.json()


@pytest.fixture
def director(http: aiohttp.ClientSession) -> Director:
    return Director(http)


class SignIn:
    """A client that has asked for a code."""

    def __init__(self, http: aiohttp.ClientSession, tenant: Tenant, app: App) -> None:
        self._http, self._client_id = http, app.client_id
        self._address = f"/{tenant.tenant_id}/oauth2/v2.0"
        self.user_code = self._device_code = ""

    async def start(self) -> None:
        form = {"client_id": self._client_id, "scope": "Presence.Read"}
        async with self._http.post(f"{self._address}/devicecode", data=form) as answer:
            body = await answer.json()
        self.user_code, self._device_code = body["user_code"], body["device_code"]

    async def poll(self) -> str:
        """Ask for the token: "signed in", or the error."""
        form = {
            "client_id": self._client_id,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": self._device_code,
        }
        async with self._http.post(f"{self._address}/token", data=form) as answer:
            return str((await answer.json()).get("error", "signed in"))


@pytest.fixture
async def sign_in(http: aiohttp.ClientSession, tenant: Tenant, app: App) -> SignIn:
    sign_in = SignIn(http, tenant, app)
    await sign_in.start()
    return sign_in


async def test_the_presence_of_a_person_is_changed(director: Director, alice: Person) -> None:
    change = {
        "availability": "Busy",
        "activity": "InACall",
        "statusMessage": "On the phone",
        "outOfOffice": True,
        "outOfOfficeMessage": "Back on Monday",
        "workLocation": "remote",
    }
    shown = await director.post("people/Alice@contoso.com/presence", change)

    assert shown["activity"] == "InACall"
    assert alice.facts.session == State("Busy", "InACall")
    assert alice.facts.out_of_office_message == "Back on Monday"
    (one,) = await director.get("people")
    assert (one["upn"], one["availability"]) == (alice.upn, "Busy")
    assert one["outOfOfficeSettings"]["isOutOfOffice"] is True
    assert one["workLocation"]["workLocationType"] == "remote"

    await director.post(f"people/{alice.oid}/presence", {"availability": "Away"})
    assert alice.facts.session == State("Away", "Away")


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("people/nobody/presence", {}, 404, "no such person"),
        ("people/alice@contoso.com/presence", {"availibility": "Busy"}, 400, "unknown"),
        ("people/alice@contoso.com/presence", {"outOfOffice": 1}, 400, "wrong type"),
        ("people/alice@contoso.com/presence", ["Busy"], 400, "no JSON object"),
        ("devicecode/NOSUCH/approve", {}, 404, "no such code"),
        ("devicecode/NOSUCH/decline", {}, 404, "no such code"),
        ("devicecode/NOSUCH/approve", {"person": "nobody"}, 404, "no such person"),
        ("apps/nothing", {}, 404, "no such app"),
        ("faults", {"endpoint": "me.presense"}, 400, "no endpoint"),
        ("faults", {"endpoint": "me", "cut": "in_two"}, 400, "in_two"),
        ("faults", {"status": 503}, 400, "endpoint"),
    ],
)
async def test_a_mistake_is_told_in_a_sentence(
    director: Director, path: str, body: Any, status: int, error: str
) -> None:
    assert error in (await director.post(path, body, status=status))["error"]


async def test_a_body_that_is_no_json_is_told(http: aiohttp.ClientSession) -> None:
    async with http.post("/control/faults", data=b"{") as answer:
        assert answer.status == 400
        assert await answer.json() == {"error": "the body is not JSON"}


async def test_faults_are_added_listed_and_cleared(
    director: Director, http: aiohttp.ClientSession
) -> None:
    fault = {
        "endpoint": "graph",
        "times": None,
        "status": 503,
        "retry_after": 11,
        "headers": {"X-Mine": "1"},
    }
    assert await director.post("faults", fault) == {"waiting": 1}
    assert await director.get("faults") == [{"endpoint": "graph"}]

    for _ in range(2):
        async with http.get("/v1.0/me") as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "11")
            assert answer.headers["X-Mine"] == "1"
    assert await director.delete("faults") == {"waiting": 0}
    async with http.get("/v1.0/me") as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ({"nonsense": "array"}, b'["Available", "Busy"]'),
        ({"body": "soup", "content_type": "text/plain"}, b"soup"),
    ],
)
async def test_faults_may_have_bodies(
    director: Director, http: aiohttp.ClientSession, fault: dict[str, str], body: bytes
) -> None:
    await director.post("faults", fault | {"endpoint": "me"})

    async with http.get("/v1.0/me") as answer:
        assert await answer.read() == body


async def test_requests_are_listed_without_tokens(
    director: Director, http: aiohttp.ClientSession
) -> None:
    async with http.get("/v1.0/me", headers={"Authorization": "Bearer secret-1"}):
        pass
    async with http.get("/v1.0/me/presence"):
        pass

    entries = await director.get("requests")
    assert [entry["endpoint"] for entry in entries] == ["me", "me.presence"]
    assert "secret-1" not in str(entries)
    assert entries[0]["at"] == "2026-11-23T09:00:00+00:00"
    assert len(await director.get("requests?endpoint=me")) == 1
    assert await director.get("requests?person=alice@contoso.com") == []
    await director.delete("requests")
    assert await director.get("requests") == []


async def test_a_code_is_approved_from_outside(
    director: Director,
    sign_in: SignIn,
) -> None:
    assert await director.get("devicecode") == [{"user_code": sign_in.user_code}]

    assert await director.post(f"devicecode/{sign_in.user_code}/approve") == {
        "person": "alice@contoso.com"
    }

    assert await sign_in.poll() == "signed in"
    assert await director.get("devicecode") == []


async def test_a_code_is_declined_from_outside(
    director: Director,
    sign_in: SignIn,
) -> None:
    await director.post(f"devicecode/{sign_in.user_code}/decline")

    assert await sign_in.poll() == "authorization_declined"


async def test_sign_ins_are_ended_and_refused_from_outside(
    director: Director, microsoft: SimulatedMicrosoft, alice: Person, app: App
) -> None:
    kept = microsoft.tokens.issue_refresh(
        client_id=app.client_id, oid=alice.oid, by_device_code=True
    )

    access = microsoft.tokens.issue_access(
        client_id=app.client_id, tenant_id=app.tenant_id, oid=alice.oid, permissions=frozenset()
    )
    path = f"people/{alice.oid}/revoke"
    assert await director.post(path, {"code": 70043, "access_tokens": False}) == {"ended": 1}
    assert (kept.dead_with, access.revoked) == (70043, False)

    assert await director.post(path) == {"ended": 1}
    assert (kept.dead_with, access.revoked) == (50173, True)

    await director.post(f"people/{alice.oid}/refuse", {"code": 53003})
    assert alice.refused_with == 53003
    assert await director.post(f"people/{alice.oid}/refuse", {"code": None}) == {"code": None}


async def test_the_app_registration_is_changed_from_outside(director: Director, app: App) -> None:
    path = f"apps/{app.client_id}"
    await director.post(path, {"public_client": False, "consented": ["User.Read"]})
    assert not app.public_client
    assert app.consented == {"User.Read"}

    await director.post(path, {"consented": None, "roles": ["Presence.Read.All"]})
    assert not app.consented
    assert app.roles == {"Presence.Read.All"}


class TestVerificationPage:
    """Where a person types the code."""

    async def test_a_person_types_the_code_and_is_signed_in(
        self,
        http: aiohttp.ClientSession,
        sign_in: SignIn,
    ) -> None:
        async with http.get("/device", params={"code": sign_in.user_code}) as answer:
            page = await answer.text()
        assert f'value="{sign_in.user_code}"' in page
        assert "Alice</option>" in page

        form = {"code": sign_in.user_code, "person": "alice@contoso.com", "decision": "approve"}
        async with http.post("/device", data=form) as answer:
            assert "Signed in" in await answer.text()

        assert await sign_in.poll() == "signed in"

    async def test_a_person_declines(
        self,
        http: aiohttp.ClientSession,
        sign_in: SignIn,
    ) -> None:
        async with http.post(
            "/device", data={"code": sign_in.user_code, "decision": "decline"}
        ) as answer:
            assert "Declined" in await answer.text()

        assert await sign_in.poll() == "authorization_declined"

    @pytest.mark.parametrize(
        "form",
        [
            {"code": "WRONG", "person": "alice@contoso.com", "decision": "approve"},
            {"code": "WRONG", "decision": "decline"},
            {"decision": "approve"},
            {},
        ],
    )
    async def test_a_wrong_code_or_nobody_is_told(
        self, http: aiohttp.ClientSession, form: dict[str, str]
    ) -> None:
        async with http.post("/device", data=form) as answer:
            assert answer.status == 400

    async def test_what_comes_from_outside_is_text_and_not_markup(
        self, http: aiohttp.ClientSession, microsoft: SimulatedMicrosoft, tenant: Tenant
    ) -> None:
        microsoft.directory.add_person(tenant, "eve@contoso.com", name="<script>1</script>")

        async with http.get("/device", params={"code": '"><script>2</script>'}) as answer:
            page = await answer.text()

        assert "<script>" not in page
