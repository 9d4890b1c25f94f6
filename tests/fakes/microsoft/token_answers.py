"""What all grants share: who may have tokens, and what is answered; raises ``Refusal``."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.microsoft.aadsts import refusal
from tests.fakes.microsoft.directory import App, Person, Tenant
from tests.fakes.microsoft.scopes import echoed, permissions_in
from tests.fakes.microsoft.simulation import Simulation, TokenRequest
from tests.fakes.microsoft.tokens import base64url, jwt

CP1 = "CP1"
"""The capability to answer a claims challenge."""


def check_person(tenant: Tenant, person: Person) -> None:
    """Refuse a person of another tenant, or one whom a policy forbids."""
    if person.tenant_id != tenant.tenant_id:
        raise refusal(50020)
    if person.refused_with:
        raise refusal(person.refused_with)


def check_consent(simulation: Simulation, app: App, scope: str) -> None:
    """Refuse permissions in ``scope`` that were not consented to."""
    asked = permissions_in(scope, own_host=simulation.host)
    if app.consented is not None and not asked <= app.consented:
        raise refusal(65001, client_id=app.client_id, app=app.name)


def signed_in(
    simulation: Simulation,
    request: TokenRequest,
    person: Person,
    scope: str,
    *,
    by_device_code: bool,
    keep: bool = False,
    nonce: str | None = None,
) -> dict[str, Any]:
    """The answer of the token endpoint for a person; ``keep`` rotates the refresh token."""
    tokens, app, words = simulation.tokens, request.app, scope.split()
    answer = access_answer(simulation, request, scope, oid=person.oid)
    if keep or "offline_access" in words:
        refresh = tokens.issue_refresh(
            client_id=app.client_id, oid=person.oid, by_device_code=by_device_code
        )
        answer["refresh_token"] = refresh.value
    if "openid" in words:
        answer["id_token"] = _id_token(simulation, app, person, nonce)
    if request.form.get("client_info") == "1":
        answer["client_info"] = client_info(person)
    return answer


def access_answer(
    simulation: Simulation,
    request: TokenRequest,
    scope: str,
    *,
    oid: str | None,
    roles: frozenset[str] | None = None,
) -> dict[str, Any]:
    """The part of an answer that is about the access token; ``roles`` for an app as itself."""
    tokens = simulation.tokens
    granted = permissions_in(scope, own_host=simulation.host) if roles is None else roles
    access = tokens.issue_access(
        client_id=request.app.client_id,
        tenant_id=request.tenant.tenant_id,
        oid=oid,
        permissions=granted,
        continuous=CP1 in _capabilities(request.form.get("claims", "")),
    )
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "expires_in": tokens.expires_in_s,
        "ext_expires_in": tokens.expires_in_s,
        "access_token": access.value,
    }
    if roles is None:
        answer["scope"] = echoed(scope)
    if tokens.refresh_in_s is not None:
        answer["refresh_in"] = tokens.refresh_in_s
    return answer


def client_info(person: Person) -> str:
    """Who signed in, as msal reads it."""
    return base64url(json.dumps({"uid": person.oid, "utid": person.tenant_id}).encode())


def _capabilities(claims: str) -> list[str]:
    if not claims:
        return []
    try:
        asked = json.loads(claims)
        return list(asked.get("access_token", {}).get("xms_cc", {}).get("values", []))
    except (ValueError, AttributeError, TypeError):
        raise refusal(9002313) from None


def _id_token(simulation: Simulation, app: App, person: Person, nonce: str | None) -> str:
    now = int(simulation.clock.now().timestamp())
    claims: dict[str, Any] = {
        "ver": "2.0",
        "iss": f"{simulation.address}/{person.tenant_id}/v2.0",
        "aud": app.client_id,
        "sub": base64url(f"{app.client_id}{person.oid}".encode())[:43],
        "iat": now,
        "nbf": now,
        "exp": now + simulation.tokens.expires_in_s,
        "name": person.name,
        "preferred_username": person.upn,
        "oid": person.oid,
        "tid": person.tenant_id,
    }
    return jwt(claims | ({"nonce": nonce} if nonce else {}), signature="unsigned")


def required(form: dict[str, str], field: str) -> str:
    """A field of the form, which must not be missing."""
    if not form.get(field):
        raise refusal(90014, field=field)
    return form[field]
