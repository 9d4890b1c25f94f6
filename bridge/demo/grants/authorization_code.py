"""The authorization code grant with PKCE (RFC 6749, 4.1; RFC 7636). Never reads HTTP."""

from __future__ import annotations

import hashlib
from typing import Any

from bridge.demo.aadsts import refusal
from bridge.demo.grants.answers import check_consent, check_person, required, signed_in
from bridge.demo.simulation import AuthorizationCode, Simulation, TokenRequest
from bridge.demo.tokens import base64url


def by_authorization_code(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """Tokens for who signed in on the page. Policies about a person are told here.

    Raises:
        Refusal: The code is used, old, somebody else's, or the proof is wrong.
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


def _check_proof(code: AuthorizationCode, verifier: str) -> None:
    """Whether ``verifier`` is what the challenge was made of (RFC 7636, 4.6)."""
    made = {
        "S256": base64url(hashlib.sha256(verifier.encode()).digest()),
        "plain": verifier,
    }
    if code.challenge and made[code.challenge_method] != code.challenge:
        raise refusal(501481)
