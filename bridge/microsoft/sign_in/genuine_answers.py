"""Which answers of the identity endpoints are Microsoft's, checked before msal reads them. Pure.

Sources: RFC 6749, 5.1 and 5.2; RFC 8628, 3.2 and 3.5; OpenID Connect Discovery 1.0, 3. A captive
portal, a proxy or a gateway that answers instead must not cost anybody the sign-in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

from bridge.microsoft.http import OK, HttpResponse
from bridge.microsoft.sign_in.remedies import number_of

Answer = dict[str, Any]
"""What an identity endpoint says, as msal passes it on."""

PENDING = ("authorization_pending", "slow_down")
"""Refusals that only mean that the person is not done."""
_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_resource",
    "invalid_tenant",
    "unauthorized_client",
    "unsupported_grant_type",
    "access_denied",
    "interaction_required",
    "login_required",
    "consent_required",
    "authorization_declined",
    "bad_verification_code",
    "expired_token",
    "code_expired",
    "temporarily_unavailable",
    "server_error",
    *PENDING,
}
_OPTIONAL_TEXTS = ("refresh_token", "id_token", "client_info", "scope", "token_type", "foci")
_DIGITS_MOST = 9
_SHOWN, SHOWN_MOST = ("verification_uri", "user_code"), 200
_NUMBERS = ("expires_in", "ext_expires_in", "refresh_in", "interval")


class Purpose(Enum):
    """What a request is for, and the texts in a good answer to it."""

    DISCOVERY = ("authorization_endpoint", "token_endpoint")
    CODE = ("device_code", "user_code", "verification_uri")
    TOKENS = ("access_token",)


def is_good(response: HttpResponse, expected: Purpose) -> bool:
    """Whether it is what was expected."""
    fields = fields_of(response)
    return (
        response.status == OK
        and "error" not in fields
        and all(_is_text(fields.get(key)) for key in expected.value)
        and all(isinstance(fields.get(key, ""), str) for key in _OPTIONAL_TEXTS)
        and all(is_number(fields.get(key, 0), _DIGITS_MOST) for key in _NUMBERS)
        and str(fields.get("verification_uri", "https://")).startswith("https://")
        and all(len(str(fields.get(key, ""))) < SHOWN_MOST for key in _SHOWN)
    )


def is_refusal(response: HttpResponse) -> bool:
    """Whether it is Microsoft's own no: in words of the standards, with its number or its id."""
    fields = fields_of(response)
    error = fields.get("error")
    if not isinstance(error, str):
        return False
    if is_numbered(response):
        return response.status in (400, 401, 403, 404)
    named = error in _ERRORS or _is_text(fields.get("correlation_id"))
    return named and response.status in (400, 401, 403)


def is_numbered(response: HttpResponse) -> bool:
    """Whether it has a number of Microsoft's."""
    return number_of(fields_of(response)) is not None


def fields_of(response: HttpResponse) -> Mapping[str, Any]:
    """Its JSON object; empty when it is none."""
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


def is_number(value: object, digits_most: int) -> bool:
    """Whether it is a whole number, or the text of one."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= digits_most
