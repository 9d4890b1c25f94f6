"""Whoever signs in types a code on a page."""

from __future__ import annotations

import aiohttp
import pytest

from bridge.demo.certificate import ServerCertificate
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Tenant


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
