"""The unmodified msal signs an app in with its certificate."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import jwt
import msal
import pytest
import requests

from bridge.demo.certificate import ServerCertificate
from tests.fakes.clock import ManualClock
from tests.fakes.key_pair import KeyPair
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Tenant, guid

DEFAULT = ["https://graph.microsoft.com/.default"]


@pytest.fixture(scope="module")
def keys() -> KeyPair:
    return KeyPair()


@pytest.fixture(scope="module")
def other_keys() -> KeyPair:
    return KeyPair()


@pytest.fixture(autouse=True)
def _registered(app: App, keys: KeyPair) -> None:
    app.certificates.append(keys.public)
    app.roles = {"Presence.Read.All"}


async def ask(
    microsoft: ScriptedMicrosoft,
    session: requests.Session,
    credential: Any,
    *,
    client_id: str,
    scopes: list[str] | None = None,
) -> dict[str, Any]:
    def work() -> Any:
        app = msal.ConfidentialClientApplication(
            client_id,
            client_credential=credential,
            authority=f"{microsoft.login_url}/contoso.com",
            instance_discovery=False,
            http_client=session,
        )
        return app.acquire_token_for_client(scopes or DEFAULT)

    answer: dict[str, Any] = await asyncio.to_thread(work)
    return answer


def modern(keys: KeyPair) -> dict[str, Any]:
    """PS256 and x5t#S256."""
    return {"private_key": keys.private, "public_certificate": keys.public.decode()}


async def test_a_registered_certificate_gives_a_token_with_the_roles_of_the_app(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App, keys: KeyPair
) -> None:
    answer = await ask(microsoft, msal_session, modern(keys), client_id=app.client_id)

    token = microsoft.tokens.access(answer["access_token"])
    assert token
    assert token.permissions == {"Presence.Read.All"}
    assert token.oid is None
    assert "refresh_token" not in answer


async def test_the_old_thumbprint_is_still_understood(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App, keys: KeyPair
) -> None:
    legacy = {"private_key": keys.private, "thumbprint": keys.sha1}

    answer = await ask(microsoft, msal_session, legacy, client_id=app.client_id)

    assert "access_token" in answer


async def test_a_certificate_that_is_not_registered_is_refused(
    microsoft: ScriptedMicrosoft,
    msal_session: requests.Session,
    app: App,
    other_keys: KeyPair,
) -> None:
    answer = await ask(microsoft, msal_session, modern(other_keys), client_id=app.client_id)

    assert answer["error"] == "invalid_client"
    assert answer["error_codes"] == [700027]
    assert "not found by its thumbprint" in answer["error_description"]


async def test_another_key_under_a_registered_thumbprint_is_refused(
    microsoft: ScriptedMicrosoft,
    msal_session: requests.Session,
    app: App,
    keys: KeyPair,
    other_keys: KeyPair,
) -> None:
    forged = {"private_key": other_keys.private, "thumbprint": keys.sha1}

    answer = await ask(microsoft, msal_session, forged, client_id=app.client_id)

    assert answer["error_codes"] == [700027]
    assert "signature value did not match" in answer["error_description"]


async def test_a_secret_is_not_the_value(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App
) -> None:
    answer = await ask(microsoft, msal_session, "a-secret", client_id=app.client_id)

    assert answer["error_codes"] == [7000215]


async def test_a_single_permission_is_no_scope_for_an_app(
    microsoft: ScriptedMicrosoft, msal_session: requests.Session, app: App, keys: KeyPair
) -> None:
    single = ["https://graph.microsoft.com/Presence.Read.All"]
    answer = await ask(
        microsoft, msal_session, modern(keys), client_id=app.client_id, scopes=single
    )

    assert answer["error_codes"] == [1002012]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, None),
        ({"aud": "https://other.test/token"}, [700027]),
        ({"iss": "somebody"}, [700027]),
        ({"sub": "somebody"}, [700027]),
    ],
)
async def test_an_assertion_is_for_this_endpoint_and_by_this_app(
    http: aiohttp.ClientSession,
    microsoft: ScriptedMicrosoft,
    keys: KeyPair,
    change: dict[str, str],
    codes: list[int] | None,
) -> None:
    tenant = microsoft.directory.tenant("contoso.com")
    assert tenant
    client_id = guid(f"app of {tenant.domain}")
    path = f"/{tenant.tenant_id}/oauth2/v2.0/token"
    claims = {"aud": f"{microsoft.login_url}{path}", "iss": client_id, "sub": client_id, "exp": 1}
    form = {
        "client_id": client_id,
        "grant_type": "client_credentials",
        "scope": DEFAULT[0],
        "client_assertion": jwt.encode(
            claims | change, keys.private, algorithm="PS256", headers={"x5t#S256": keys.sha256}
        ),
    }
    async with http.post(path, data=form) as answer:
        assert (await answer.json()).get("error_codes") == codes


@pytest.mark.parametrize(
    "assertion", ["", "nonsense", "a.b.c", "e30.e30.e30"], ids=["none", "text", "parts", "empty"]
)
async def test_an_assertion_that_is_none_is_refused(
    http: aiohttp.ClientSession, tenant: Tenant, app: App, assertion: str
) -> None:
    form = {
        "client_id": app.client_id,
        "grant_type": "client_credentials",
        "scope": DEFAULT[0],
        "client_assertion": assertion,
    }
    async with http.post(f"/{tenant.tenant_id}/oauth2/v2.0/token", data=form) as answer:
        assert answer.status == 401
        codes = (await answer.json())["error_codes"]

    assert codes == [700027 if assertion else 7000218]


@pytest.mark.parametrize(
    ("off_by_s", "codes"),
    [(0, None), (-240, None), (800, None), (-3600, [700024]), (3600, [700024])],
)
async def test_an_assertion_is_good_for_its_time_and_a_little_around(
    certificate: ServerCertificate,
    home: Household,
    keys: KeyPair,
    off_by_s: float,
    codes: list[int] | None,
) -> None:
    clock = ManualClock(datetime.now(UTC) + timedelta(seconds=off_by_s))
    async with ScriptedMicrosoft(home.directory, certificate, clock=clock) as microsoft:
        with requests.Session() as session:
            session.trust_env, session.verify = False, str(microsoft.ca_file)
            answer = await ask(microsoft, session, modern(keys), client_id=home.app.client_id)

    assert answer.get("error_codes") == codes
