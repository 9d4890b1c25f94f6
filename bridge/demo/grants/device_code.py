"""The device code grant (RFC 8628, 3.4). Never reads HTTP."""

from __future__ import annotations

from typing import Any

from bridge.demo.aadsts import refusal
from bridge.demo.codes import Progress
from bridge.demo.grants.answers import check_consent, check_person, required, signed_in
from bridge.demo.simulation import Simulation, TokenRequest

BLOCKED = 53003


def by_device_code(simulation: Simulation, request: TokenRequest) -> dict[str, Any]:
    """Tokens for who approved the code.

    An app that is not a public client is refused when the person has approved: that late is how
    users meet it (azure-docs issue 31986).

    Raises:
        Refusal: Not yet, or not at all.
    """
    form = request.form
    code, person = simulation.codes.poll(required(form, "device_code"), request.app.client_id)
    if not request.app.public_client:
        raise refusal(7000218)
    if request.tenant.device_code_blocked:
        raise refusal(BLOCKED)
    check_person(request.tenant, person)
    check_consent(simulation, request.app, code.scope)
    code.progress = Progress.REDEEMED
    return signed_in(simulation, request, person, code.scope, by_device_code=True)
