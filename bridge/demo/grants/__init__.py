"""The grants of the token endpoint, one module each. A new grant is a module and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.demo.grants.authorization_code import by_authorization_code
from bridge.demo.grants.client_credentials import by_client_credentials
from bridge.demo.grants.device_code import by_device_code
from bridge.demo.grants.refresh_token import by_refresh_token
from bridge.demo.simulation import Simulation, TokenRequest

Grant = Callable[[Simulation, TokenRequest], dict[str, Any]]

GRANTS: dict[str, Grant] = {
    "urn:ietf:params:oauth:grant-type:device_code": by_device_code,
    "refresh_token": by_refresh_token,
    "authorization_code": by_authorization_code,
    "client_credentials": by_client_credentials,
}


def grant_name(grant_type: str) -> str:
    """The short name of a grant: the last part of its type."""
    return grant_type.rpartition(":")[2] if grant_type in GRANTS else "other"
