"""Why Graph refused, in its own words, for the debug line and for ``doctor``. Pure.

Source: Microsoft Graph documentation, "error responses and resource types": the innermost error is
the most specific one; its key has two spellings.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.contract.errors import PresenceBridgeError
from bridge.microsoft.http import HttpResponse
from bridge.microsoft.texts import NAME_BYTES, plain, text_in

MESSAGE_BYTES = 512
BODY_MOST = 64 * 1024
"""Bytes of an answer that are looked at."""
_INNER = ("innerError", "innererror")
_DEPTH_MOST = 8


@dataclass(frozen=True, slots=True)
class Reason:
    """What an answer says of itself; ``None`` where it says nothing."""

    code: str | None = None
    message: str | None = None
    inner_code: str | None = None
    """The most specific one."""
    request_id: str | None = None
    """What Microsoft's support asks for."""

    def __str__(self) -> str:
        codes = "/".join(code for code in (self.code, self.inner_code) if code)
        words = ": ".join(text for text in (codes, self.message) if text) or "no reason"
        return f"{words} (request-id {self.request_id})" if self.request_id else words


def reason_of(response: HttpResponse) -> Reason:
    """What ``response`` says; never raises."""
    error = _error(response.body)
    chain = list(_chain(error))
    codes = [code for each in chain if (code := text_in(each, "code"))]
    named = response.headers.get("request-id")
    ids = [named] if named else [each.get("request-id") for each in chain]
    found = next((text for text in ids if isinstance(text, str) and text), None)
    return Reason(
        code=codes[0] if codes else None,
        message=text_in(error, "message", MESSAGE_BYTES),
        inner_code=codes[-1] if len(codes) > 1 and codes[-1] != codes[0] else None,
        request_id=plain(found, NAME_BYTES) if found else None,
    )


def because(error: PresenceBridgeError, response: HttpResponse) -> PresenceBridgeError:
    """``error`` with what ``response`` says of it."""
    error.reason = str(reason_of(response))
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
