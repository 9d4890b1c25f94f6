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


def kinds(error: str, texts: dict[int, str], **more: Any) -> dict[int, Kind]:
    """One kind for each number; ``more`` is what all of them share."""
    return {code: Kind(error, text, **more) for code, text in texts.items()}


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
KINDS: dict[int, Kind] = {
    **{
        code: Kind(error, text, _STATUS.get(error, 400), _SUBERRORS.get(code))
        for error, texts in _TEXTS.items()
        for code, text in texts.items()
    },
    **kinds(
        "invalid_request",
        {
            50134: "Wrong data center.",
            50194: "Application '{client_id}' is not configured as a multi-tenant application. "
            "Usage of the /common endpoint is not supported for such apps.",
            90038: "The tenant is located in another national cloud.",
            90119: "The user code is null or empty.",
            90120: "The request was already authorized or declined.",
            90133: "Device code flow isn't supported under /common or /consumers endpoint.",
            9001023: "The grant type isn't supported over the /common or /consumers endpoints.",
        },
    ),
    **kinds("unauthorized_client", {700038: "{client_id} is not a valid application identifier."}),
    **kinds(
        "invalid_client",
        {
            700025: "Client is public so neither 'client_assertion' nor 'client_secret' should be"
            " presented.",
            7000215: "Invalid client secret provided. Ensure the secret being sent in the request "
            "is the client secret value, not the client secret ID.",
            700024: "Client assertion is not within its valid time range.",
            700027: "The certificate with identifier used to sign the client assertion is not "
            "registered on application. {reason}",
            7000222: "The provided client secret keys for app '{client_id}' are expired.",
        },
        status=401,
    ),
    **kinds(
        "invalid_scope",
        {
            28002: "Provided value for the input parameter scope '{scope}' isn't valid.",
            1002012: "The provided value for scope {scope} is not valid. Client credential flows "
            "must have a scope value with /.default suffixed to the resource identifier.",
        },
    ),
    **kinds(
        "invalid_resource",
        {
            650057: "Invalid resource. The client has requested access to a resource which isn't "
            "listed in the requested permissions in the client's application "
            "registration.",
            65005: "The app required resource access list does not contain apps discoverable by "
            "the resource.",
        },
    ),
    **kinds(
        "invalid_grant",
        {
            16000: "Either multiple user identities are available for the current request or "
            "selected account isn't supported for the scenario.",
            50014: "Guest user account does not exist in this tenant.",
            50034: "The user account does not exist in the directory.",
            50053: "The account is locked, or the sign-in came from a malicious address.",
            50055: "The password is expired.",
            50057: "The user account is disabled.",
            50089: "Authentication failed due to flow token expired.",
            50105: "The signed in user is not assigned to a role for the application.",
            50132: "Session is invalid due to expired password or recent password change.",
            50133: "Session is invalid due to expired password or recent password change.",
            50144: "Active Directory password is expired.",
            50196: "The server terminated an operation because it encountered a client request "
            "loop.",
            500133: "Assertion is not within its valid time range.",
            500021: "Access to the tenant is denied.",
            500212: "The user's administrator has set an outbound access policy that does not "
            "allow access to the resource tenant.",
            500213: "The resource tenant's cross-tenant access policy does not allow this user to"
            " access this tenant.",
            51004: "The user account does not exist in the directory.",
            70043: "The refresh token has expired or is invalid due to sign-in frequency checks "
            "by conditional access.",
            90094: "Admin consent is required.",
            90095: "Admin consent is required. A request was sent.",
            530032: "Blocked by a security policy of the tenant.",
            530034: "A delegated administrator was blocked from accessing the tenant due to "
            "account risk in their home tenant.",
            530035: "Access has been blocked by security defaults.",
            53000: "Device is not in required device state: compliant.",
            53001: "Device is not in required device state: domain joined.",
            53004: "The user needs to complete the multifactor registration process.",
            53011: "User blocked due to risk on home tenant.",
        },
    ),
    **kinds(
        "interaction_required",
        {
            50005: "User tried to log in to a device from a platform that's currently not "
            "supported through Conditional Access policy.",
            50072: "User needs to enroll for second factor authentication.",
            50074: "Strong authentication is required.",
            50076: "Due to a configuration change made by your administrator, or because you "
            "moved to a new location, you must use multi-factor authentication to access "
            "the resource.",
            50078: "Presented multifactor authentication has expired due to policies configured "
            "by your administrator.",
            50079: "Due to a configuration change made by your administrator, or because you "
            "moved to a new location, you must enroll in multi-factor authentication.",
            50097: "Device authentication is required.",
            50129: "Device is not workplace joined.",
            50158: "External security challenge not satisfied.",
        },
        suberror="basic_action",
    ),
    **kinds(
        "temporarily_unavailable",
        {
            50033: "A transient error has occurred. Please try again.",
            50087: "A transient error has occurred during single sign-on.",
            70012: "A server error occurred while authenticating an MSA user.",
            90006: "The service is temporarily unavailable. Please retry later.",
            90024: "A transient error has occurred. Please try again.",
            90033: "A transient error has occurred. Please try again.",
            90090: "A transient error has occurred. Please try again.",
        },
        status=503,
    ),
    **kinds(
        "temporarily_unavailable", {90055: "There are too many incoming requests."}, status=429
    ),
}
