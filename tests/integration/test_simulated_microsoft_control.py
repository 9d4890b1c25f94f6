"""Whoever watches the demo changes a presence, or types a code, over HTTPS."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from bridge.demo.certificate import ServerCertificate
from bridge.demo.directory import App, Household, Person, Tenant
from bridge.demo.presence import State
from tests.fakes.microsoft import ScriptedMicrosoft


async def change(
    http: aiohttp.ClientSession, who: str, body: Any = None, *, status: int = 200
) -> Any:
    async with http.post(f"/control/people/{who}/presence", json=body) as answer:
        assert answer.status == status
        return await answer.json()


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


async def test_the_presence_of_a_person_is_changed(
    http: aiohttp.ClientSession, alice: Person
) -> None:
    body = {
        "availability": "Busy",
        "activity": "InACall",
        "statusMessage": "On the phone",
        "outOfOffice": True,
        "outOfOfficeMessage": "Back on Monday",
        "workLocation": "remote",
    }
    shown = await change(http, "Alice@contoso.com", body)

    assert shown["activity"] == "InACall"
    assert alice.facts.session == State("Busy", "InACall")
    assert alice.facts.out_of_office_message == "Back on Monday"
    assert shown["outOfOfficeSettings"]["isOutOfOffice"] is True
    assert shown["workLocation"]["workLocationType"] == "remote"

    await change(http, alice.oid, {"availability": "Away"})
    assert alice.facts.session == State("Away", "Away")


@pytest.mark.parametrize(
    ("who", "body", "status", "error"),
    [
        ("nobody", {}, 404, "no such person"),
        ("alice@contoso.com", {"availibility": "Busy"}, 400, "unknown"),
        ("alice@contoso.com", {"outOfOffice": 1}, 400, "wrong type"),
        ("alice@contoso.com", ["Busy"], 400, "not a JSON object"),
    ],
)
async def test_a_mistake_is_reported_in_a_sentence(
    http: aiohttp.ClientSession, who: str, body: Any, status: int, error: str
) -> None:
    assert error in (await change(http, who, body, status=status))["error"]


async def test_a_body_that_is_no_json_is_reported(http: aiohttp.ClientSession) -> None:
    async with http.post("/control/people/alice@contoso.com/presence", data=b"{") as answer:
        assert answer.status == 400
        assert await answer.json() == {"error": "the body is not JSON"}


async def test_a_taken_port_is_an_error_of_the_system(
    microsoft: ScriptedMicrosoft, home: Household, certificate: ServerCertificate
) -> None:
    port = int(microsoft.login_url.rpartition(":")[2])
    with pytest.raises(OSError, match=str(port)):
        await ScriptedMicrosoft(home.directory, certificate, port=port).__aenter__()


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
    async def test_a_wrong_code_or_nobody_is_reported(
        self, http: aiohttp.ClientSession, form: dict[str, str]
    ) -> None:
        async with http.post("/device", data=form) as answer:
            assert answer.status == 400

    async def test_what_comes_from_outside_is_text_and_not_markup(
        self, http: aiohttp.ClientSession, microsoft: ScriptedMicrosoft, tenant: Tenant
    ) -> None:
        microsoft.directory.add_person(tenant, "eve@contoso.com", name="<script>1</script>")

        async with http.get("/device", params={"code": '"><script>2</script>'}) as answer:
            page = await answer.text()

        assert "<script>" not in page
