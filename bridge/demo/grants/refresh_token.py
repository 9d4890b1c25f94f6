"""The refresh token grant (RFC 6749, 6). Never reads HTTP."""

from __future__ import annotations

from typing import Any

from bridge.demo.aadsts import refusal
from bridge.demo.grants.answers import check_consent, check_person, required, signed_in
from bridge.demo.simulation import Simulation, TokenRequest

BLOCKED_LATER = 530036
"""A policy against device codes came after the sign-in."""


def by_refresh_token(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """New tokens, a new refresh token too; the old one stays good unless single-use.

    Raises:
        Refusal: The sign-in has ended, or the app may not.
    """
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
