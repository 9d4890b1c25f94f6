"""What each sign-in error means, who must act, and the one thing to do.

Control flow follows ``error`` and ``suberror``; the AADSTS number only chooses the sentence, as
Microsoft asks ("Microsoft Entra authentication and authorization error codes").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.contract.account import Mend, Way
from bridge.microsoft.sign_in.remedies_table import (
    ADMIN,
    BROWSER,
    OWNER,
    REMEDIES,
    TENANT_REFUSED,
    UNKNOWN,
    WITHOUT_NUMBER,
    YOU,
    Ending,
)
from bridge.microsoft.texts import text_in

__all__ = ["ADMIN", "OWNER", "REMEDIES", "YOU", "Explanation", "explain", "for_account"]

TEXT_MOST = 64
"""So much of a foreign text is shown: a word or an id."""
SENTENCE_MOST = 160
"""And so much of a sentence of Microsoft's own."""


class Explanation(NamedTuple):
    """One failure in words for people; somebody acts, unless it passes."""

    text: str
    remedy: str
    who: str
    passes: bool = False
    sign_in_again: bool = False
    correlation_id: str | None = None
    aadsts: int | None = None
    mend: Mend | None = None
    refuses: tuple[Way, ...] = ()
    """The ways to sign in that it is about: the other one may do."""

    def line(self, slug: str) -> str:
        """All of it, for the log of the account ``slug``."""
        whose = "" if self.passes else f" Who must act: {self.who}."
        reference = f" Correlation id: {self.correlation_id}" if self.correlation_id else ""
        return f"{self.text} {for_account(self.remedy, slug)}{whose}{reference}"


_BY_CODE = {code: row for row in REMEDIES for code in row.codes}
_BY_ERROR = WITHOUT_NUMBER | {
    "access_denied": WITHOUT_NUMBER["authorization_declined"],
    "expired_token": _BY_CODE[70019],
    "bad_verification_code": _BY_CODE[70018],
    "temporarily_unavailable": _BY_CODE[90033],
    "server_error": _BY_CODE[90033],
    "consent_required": _BY_CODE[65001],
}
_NUMBER = re.compile(r"AADSTS(\d{4,8})")
_IDS = re.compile(r"\s*Trace ID:.*", re.DOTALL)


def for_account(remedy: str, slug: str) -> str:
    """``remedy`` with the name of the account that it is told for in its command."""
    return remedy.replace(BROWSER, BROWSER.replace("NAME", slug))


def explain(result: Mapping[str, Any]) -> Explanation:
    """What an error answer of the token endpoint means, as msal passes it on."""
    error = text_in(result, "error", TEXT_MOST) or ""
    number = number_of(result)
    row = _BY_CODE.get(number or 0)
    tenant_refused = error == TENANT_REFUSED
    if row is None or (tenant_refused and row.ending is Ending.SIGN_IN):
        row = _BY_ERROR.get(error) or _BY_ERROR.get(str(result.get("suberror"))) or UNKNOWN
    label = f"AADSTS{number}" if number else error if row is UNKNOWN else ""
    if row is WITHOUT_NUMBER[TENANT_REFUSED] and (said := _sentence(result)):
        label = f"{label}: {said}" if label else said
    return Explanation(
        text=f"{row.text[:-1]} ({label})." if label else row.text,
        remedy=row.remedy,
        who=row.who,
        passes=row.ending is Ending.PASSES,
        sign_in_again=row.ending is Ending.SIGN_IN,
        correlation_id=text_in(result, "correlation_id", TEXT_MOST),
        aadsts=number,
        mend=row.mend,
        refuses=row.refuses,
    )


def of_discovery(refusal: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal to look a tenant up: signing in again changes nothing about a tenant."""
    return dict(refusal) if explain(refusal).passes else {**refusal, "error": TENANT_REFUSED}


def _sentence(result: Mapping[str, Any]) -> str:
    """What Microsoft says beside number and ids, in one line."""
    text = _IDS.sub("", str(result.get("error_description", "")))
    text = " ".join(_NUMBER.sub("", text).lstrip(": ").split()).rstrip(".")
    shown = "".join(letter for letter in text if letter.isprintable())
    return shown if len(shown) <= SENTENCE_MOST else f"{shown[: SENTENCE_MOST - 1]}…"


def number_of(result: Mapping[str, Any]) -> int | None:
    """The number of Microsoft's error."""
    codes = result.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    match = _NUMBER.search(str(result.get("error_description", "")))
    return int(match.group(1)) if match else None
