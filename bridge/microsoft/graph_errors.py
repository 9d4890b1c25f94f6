"""What Graph's refusals mean for people, the remedy of each, and Graph's own words of it. Pure.

Sources: Microsoft Graph documentation, "error responses and resource types": the innermost error is
the most specific one, and its key has two spellings; Microsoft identity platform, "claims
challenges".
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.contract.errors import AccessRefusedError, PresenceBridgeError, SourceUnavailableError
from bridge.microsoft.http import HttpResponse
from bridge.microsoft.texts import NAME_BYTES, plain, text_in

MESSAGE_BYTES = 512
BODY_MOST = 64 * 1024
"""Bytes of an answer that are looked at."""
_INNER = ("innerError", "innererror")
_DEPTH_MOST = 8
_CLAIMS = re.compile(r'claims="([^"]+)"')


def refusal(response: HttpResponse, wait_s: float | None) -> PresenceBridgeError:
    """Why a presence could not be read; ``wait_s`` is the pause that it asks for, if any."""
    status = response.status
    error: PresenceBridgeError
    if wait_s is not None:
        text = f"Microsoft Graph asks us to wait (HTTP {status})"
        error = SourceUnavailableError(text, retry_after_s=wait_s)
    elif status in (401, 403):
        error = AccessRefusedError(
            f"Microsoft Graph refuses to show the presence (HTTP {status}).",
            remedy="Check that the app has Presence.Read, that it was consented to, and that "
            "the person has a Teams licence; then sign in again.",
        )
    elif status == 404:  # noqa: PLR2004 - Not Found
        error = AccessRefusedError(
            "Microsoft Graph has no presence for this account (HTTP 404).",
            remedy="Only work and school accounts with Teams have one.",
        )
    else:
        error = SourceUnavailableError(f"Microsoft Graph fails (HTTP {status})")
    return because(error, response)


def refused(what: str, response: HttpResponse, remedy: str) -> PresenceBridgeError:
    """``what`` is not allowed; ``remedy`` says what is missing."""
    text = f"Microsoft Graph refuses {what} (HTTP {response.status})."
    return because(AccessRefusedError(text, remedy=remedy), response)


def claims_of(headers: Mapping[str, str]) -> str | None:
    """The claims that a new token must answer; ``None`` where nothing is challenged."""
    header = headers.get("WWW-Authenticate", "")
    match = _CLAIMS.search(header) if "insufficient_claims" in header else None
    if not match:
        return None
    try:
        text = match.group(1)
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:
        return None


def reason_of(response: HttpResponse) -> str:
    """What ``response`` says: its codes, its message, and the id for Microsoft's support."""
    error = _error(response.body)
    chain = list(_chain(error))
    codes = [code for each in chain if (code := text_in(each, "code"))]
    outermost_and_innermost = "/".join(dict.fromkeys((*codes[:1], *codes[-1:])))
    parts = (outermost_and_innermost, text_in(error, "message", MESSAGE_BYTES))
    words = ": ".join(text for text in parts if text) or "no reason"
    named = response.headers.get("request-id")
    ids = [named] if named else [each.get("request-id") for each in chain]
    found = next((text for text in ids if isinstance(text, str) and text), None)
    return f"{words} (request-id {plain(found, NAME_BYTES)})" if found else words


def because(error: PresenceBridgeError, response: HttpResponse) -> PresenceBridgeError:
    """``error`` with what ``response`` says of it."""
    error.reason = reason_of(response)
    return error


def _error(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body) if len(body) <= BODY_MOST else None
    except (ValueError, RecursionError):
        return {}
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else {}


def _chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The error and those within it."""
    for _ in range(_DEPTH_MOST):
        yield error
        within = next((error[key] for key in _INNER if isinstance(error.get(key), dict)), None)
        if within is None:
            return
        error = within
