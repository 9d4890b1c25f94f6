"""How Entra ID says no: AADSTS numbers and the JSON around them.

Numbers and errors are from the Entra reference (reference-error-codes); where that page gives no
``error`` for a number, the likely one stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

ERROR_PAGE = "https://login.microsoftonline.com/error?code="


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to be refused."""

    error: str
    text: str
    status: int = 400
    suberror: str | None = None


class Refusal(Exception):  # noqa: N818 - an answer, not a failure
    """A request is refused. ``code`` is the AADSTS number, or ``None`` where none is known."""

    def __init__(self, code: int | None, kind: Kind, text: str) -> None:
        super().__init__(text)
        self.code, self.kind, self.text = code, kind, text

    @property
    def words(self) -> str:
        """What is wrong, behind its number."""
        return f"AADSTS{self.code}: {self.text}" if self.code else self.text

    def body(self, *, now: datetime, trace_id: str, correlation_id: str) -> dict[str, Any]:
        """The JSON that Entra answers with."""
        stamp = f"{now:%Y-%m-%d %H:%M:%SZ}"
        body: dict[str, Any] = {
            "error": self.kind.error,
            "error_description": f"{self.words} Trace ID: {trace_id} "
            f"Correlation ID: {correlation_id} Timestamp: {stamp}",
            "error_codes": [self.code] if self.code else [],
            "timestamp": stamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
        }
        if self.code:
            body["error_uri"] = f"{ERROR_PAGE}{self.code}"
        if self.kind.suberror:
            body["suberror"] = self.kind.suberror
        return body


def refusal(code: int, **details: str) -> Refusal:
    """The refusal with this number; ``details`` fill the gaps of its text."""
    kind = KINDS.get(code) or Kind("invalid_grant", f"Error {code}.")
    return Refusal(code, kind, kind.text.format_map(Gaps(details)))


def refusal_without_number(error: str, text: str) -> Refusal:
    """A refusal whose number no public page tells."""
    return Refusal(None, Kind(error, text), text)


class Gaps(dict[str, str]):
    """What a text is filled with; a gap without a value is named."""

    def __missing__(self, key: str) -> str:
        return f"the {key}"


_TEXTS = {
    "authorization_pending": {
        70016: "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    },
    "bad_verification_code": {
        70018: "Invalid verification code due to user typing in wrong user code for device "
        "code flow.",
    },
    "expired_token": {
        70019: "Verification code expired. Have the user retry the sign-in.",
    },
    "unsupported_grant_type": {
        70003: "The app returned an unsupported grant type.",
    },
    "invalid_tenant": {
        90002: "Tenant '{tenant}' not found. Check to make sure you have the correct tenant "
        "ID and are signing into the correct cloud. Check with your subscription "
        "administrator, this may happen if there are no active subscriptions for the "
        "tenant.",
    },
    "access_denied": {
        65004: "User declined to consent to access the app.",
    },
    "invalid_request": {
        50011: "The redirect URI '{redirect_uri}' specified in the request does not match the "
        "redirect URIs configured for the application '{client_id}'.",
        50059: "No tenant-identifying information found in either the request or implied by "
        "any provided credentials.",
        90014: "The required field '{field}' is missing from the credential.",
        9002313: "Invalid request. Request is malformed or invalid.",
    },
    "unauthorized_client": {
        700016: "Application with identifier '{client_id}' was not found in the directory "
        "'{tenant}'. This can happen if the application has not been installed by the "
        "administrator of the tenant or consented to by any user in the tenant.",
    },
    "invalid_client": {
        7000218: "The request body must contain the following parameter: 'client_assertion' or "
        "'client_secret'.",
    },
    "invalid_scope": {
        70011: "The provided value for the input parameter 'scope' is not valid. The scope "
        "'{scope}' does not exist.",
    },
    "invalid_resource": {
        500011: "The resource principal named {resource} was not found in the tenant.",
    },
    "invalid_grant": {
        65001: "The user or administrator has not consented to use the application with ID "
        "'{client_id}' named '{app}'. Send an interactive authorization request for "
        "this user and resource.",
        50020: "User account from identity provider does not exist in tenant.",
        50173: "The provided grant has expired due to it being revoked, a fresh auth token is "
        "needed. The user might have changed or reset their password.",
        501481: "The Code_Verifier does not match the code_challenge supplied in the "
        "authorization request.",
        54005: "OAuth2 Authorization code was already redeemed, please retry with a new valid "
        "code or use an existing refresh token.",
        70000: "Provided grant is invalid or malformed.",
        70008: "The provided authorization code or refresh token has expired due to "
        "inactivity. Send a new interactive authorization request for this user and "
        "resource.",
        700082: "The refresh token has expired due to inactivity.",
        530036: "Access has been blocked by Conditional Access policies. The refresh token was "
        "issued by a flow that the policy on authentication flows does not allow.",
        53003: "Access has been blocked by Conditional Access policies. The access policy "
        "does not allow token issuance.",
    },
}
_STATUS = {"invalid_client": 401}
_SUBERRORS = {65001: "consent_required", 53003: "message_only"}
KINDS = {
    code: Kind(error, text, _STATUS.get(error, 400), _SUBERRORS.get(code))
    for error, texts in _TEXTS.items()
    for code, text in texts.items()
}
