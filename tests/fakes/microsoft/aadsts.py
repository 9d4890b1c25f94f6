"""AADSTS numbers that the demo never answers with; their errors are from the Entra reference."""

from __future__ import annotations

from typing import Any

from bridge.demo.aadsts import KINDS as DEMO_KINDS
from bridge.demo.aadsts import Gaps, Kind, Refusal, refusal


def scripted_refusal(code: int, **details: str) -> Refusal:
    """The refusal with this number; ``details`` fill the gaps of its text."""
    kind = KINDS.get(code)
    text = kind.text.format_map(Gaps(details)) if kind else ""
    return Refusal(code, kind, text) if kind else refusal(code, **details)


def worded(refused: Refusal) -> Refusal:
    """``refused`` as Entra words its number, also where the demo does not know that."""
    kind = KINDS.get(refused.code or 0)
    return scripted_refusal(refused.code or 0) if kind and refused.kind is not kind else refused


def kinds(error: str, texts: dict[int, str], **more: Any) -> dict[int, Kind]:
    """One kind for each number; ``more`` is what all of them share."""
    return {code: Kind(error, text, **more) for code, text in texts.items()}


KINDS: dict[int, Kind] = {
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
EVERY_KIND = DEMO_KINDS | KINDS
