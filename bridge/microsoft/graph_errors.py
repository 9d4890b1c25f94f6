"""What Graph's refusals mean for people, and the remedy of each. Pure.

Sources: Microsoft Graph documentation, "error responses"; Microsoft identity platform, "claims
challenges".
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from bridge.contract.errors import (
    AccessRefusedError,
    PresenceBridgeError,
    SourceUnavailableError,
)
from bridge.microsoft.http import HttpResponse
from bridge.microsoft.reason import because

_CLAIMS = re.compile(r'claims="([^"]+)"')


def refusal(response: HttpResponse, wait_s: float | None) -> PresenceBridgeError:
    """What is wrong when a presence could not be read; ``wait_s`` is a silence to keep, if any."""
    status = response.status
    error: PresenceBridgeError
    if wait_s is not None:
        text = f"Microsoft Graph asks us to wait (HTTP {status})"
        error = SourceUnavailableError(text, retry_after_s=wait_s)
    elif status in (401, 403):
        error = AccessRefusedError(
            f"Microsoft Graph refuses to tell the presence (HTTP {status}).",
            remedy="Check that the app has Presence.Read, that it was consented to, and that "
            "the person has a Teams licence; then sign in again.",
        )
    elif status == 404:  # noqa: PLR2004 - Not Found
        error = AccessRefusedError(
            "Microsoft Graph knows no presence for this account (HTTP 404).",
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
    except (binascii.Error, UnicodeDecodeError):
        return None
