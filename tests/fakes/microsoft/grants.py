"""The grants of the token endpoint by which a person gets tokens; each raises ``Refusal``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.microsoft.aadsts import refusal
from tests.fakes.microsoft.codes import Progress
from tests.fakes.microsoft.simulation import AuthorizationCode, Simulation, TokenRequest
from tests.fakes.microsoft.token_answers import check_consent, check_person, required, signed_in
from tests.fakes.microsoft.tokens import base64url

Grant = Callable[[Simulation, TokenRequest], dict[str, Any]]
BLOCKED, BLOCKED_LATER = 53003, 530036
"""A policy against device codes, and one that came after the sign-in."""


def by_device_code(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """Tokens for who approved the code (RFC 8628, 3.4).

    An app that is not a public client is refused when the person has approved: that late is how
    users meet it (azure-docs issue 31986).
    """
    device_code = required(request.form, "device_code")
    code, person = simulation.codes.poll(device_code, request.app.client_id)
    if not request.app.public_client:
        raise refusal(7000218)
    if request.tenant.device_code_blocked:
        raise refusal(BLOCKED)
    check_person(request.tenant, person)
    check_consent(simulation, request.app, code.scope)
    code.progress = Progress.REDEEMED
    return signed_in(simulation, request, person, code.scope, by_device_code=True)


def by_refresh_token(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """New tokens, also to refresh (RFC 6749, 6); the old one stays good unless single-use."""
    form, tokens = request.form, simulation.tokens
    token = tokens.refresh(required(form, "refresh_token"))
    person = simulation.directory.person(token.oid) if token else None
    if token is None or person is None or token.client_id != request.app.client_id:
        raise refusal(70000)
    if token.dead_with:
        raise refusal(token.dead_with)
    if simulation.clock.monotonic() >= token.expires_s:
        raise refusal(700082)
    if token.by_device_code and request.tenant.device_code_blocked:
        raise refusal(BLOCKED_LATER)
    if token.by_device_code and not request.app.public_client:
        raise refusal(7000218)
    check_person(request.tenant, person)
    scope = required(form, "scope")
    check_consent(simulation, request.app, scope)
    if tokens.single_use:
        token.dead_with = 70000
    return signed_in(
        simulation, request, person, scope, by_device_code=token.by_device_code, keep=True
    )


def by_authorization_code(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """Tokens for who signed in on the page, with PKCE (RFC 6749, 4.1; RFC 7636).

    Policies about a person are told here.
    """
    form = request.form
    code = simulation.authorizations.get(required(form, "code"))
    if code is None or code.client_id != request.app.client_id:
        raise refusal(70000)
    if code.redeemed:
        raise refusal(54005)
    if simulation.clock.monotonic() >= code.expires_s:
        raise refusal(70008)
    if form.get("redirect_uri") != code.redirect_uri:
        raise refusal(50011, redirect_uri=form.get("redirect_uri", ""), client_id=code.client_id)
    _check_proof(code, form.get("code_verifier", ""))
    code.redeemed = True
    check_person(request.tenant, code.person)
    check_consent(simulation, request.app, code.scope)
    return signed_in(
        simulation, request, code.person, code.scope, by_device_code=False, nonce=code.nonce
    )


GRANTS: Mapping[str, Grant] = {
    "urn:ietf:params:oauth:grant-type:device_code": by_device_code,
    "refresh_token": by_refresh_token,
    "authorization_code": by_authorization_code,
}


def _check_proof(code: AuthorizationCode, verifier: str) -> None:
    """Whether ``verifier`` is what the challenge was made of (RFC 7636, 4.6)."""
    hashed = base64url(hashlib.sha256(verifier.encode()).digest())
    made = {"S256": hashed, "plain": verifier}[code.challenge_method]
    if code.challenge and made != code.challenge:
        raise refusal(501481)
