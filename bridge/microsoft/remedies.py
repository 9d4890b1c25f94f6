"""What each sign-in error means, who must act, and the one thing to do. Never does it.

Control flow follows ``error`` and ``suberror``; the AADSTS number only chooses the sentence, as
Microsoft asks ("Microsoft Entra authentication and authorization error codes").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

YOU, ADMIN, OWNER = "you", "your admin", "the app's owner"


class Ending(StrEnum):
    """What follows from an error."""

    PASSES = "passes"
    """It goes away by itself."""
    SIGN_IN = "sign in"
    """The same person signs in again."""
    ACT = "act"
    """Somebody changes something first."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """One row: the AADSTS numbers it covers and what to tell."""

    codes: tuple[int, ...]
    text: str
    remedy: str
    who: str
    ending: Ending


@dataclass(frozen=True, slots=True)
class Explanation:
    """One failure told to people."""

    text: str
    remedy: str
    who: str
    passes: bool
    sign_in_again: bool
    correlation_id: str | None = None


_AGAIN = "Sign in again."

REMEDIES = (
    Remedy((70018,), "The code is not known.", _AGAIN, YOU, Ending.SIGN_IN),
    Remedy(
        (70019,),
        "The code expired before anybody entered it.",
        "Start the sign-in again and enter the new code within 15 minutes.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy((90119, 90120), "The code was empty or already used.", _AGAIN, YOU, Ending.SIGN_IN),
    Remedy(
        (50134,),
        "The code was entered from another region.",
        "Sign in again, without a VPN on the device where you enter the code.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (50059, 90133, 50194, 9001023, 90124, 90130),
        "This app needs the address of one tenant.",
        "Set tenant to your organisation's domain or GUID.",
        YOU,
        Ending.ACT,
    ),
    Remedy(
        (90002,),
        "The tenant does not exist, or lives in another cloud.",
        "Check tenant and cloud in the config.",
        YOU,
        Ending.ACT,
    ),
    Remedy((90038,), "The tenant lives in another cloud.", "Set cloud to it.", YOU, Ending.ACT),
    Remedy(
        (700016,),
        "The client id is not known in this tenant.",
        "Check client_id and tenant; the tenant must own the app or have consented to it.",
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (700038,),
        "The client id is not valid.",
        "Copy Application (client) ID from the app registration into client_id.",
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (7000218,),
        "The app does not allow public client flows.",
        'Set "Allow public client flows" to Yes under Authentication of the app registration.',
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (700025,),
        "The app is a public client and got a credential.",
        "Take the certificate out of the config, or register the app as a confidential client.",
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (7000215, 7000222),
        "The client secret is wrong or has expired.",
        "Use a certificate, or enter the new secret's value.",
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (700027,),
        "The certificate is not accepted.",
        "Upload the certificate to the app registration, and check the clock.",
        OWNER,
        Ending.ACT,
    ),
    Remedy((70011, 28002), "A permission is misspelt.", "Report this.", OWNER, Ending.ACT),
    Remedy(
        (500011,),
        "Microsoft Graph is not known in this tenant.",
        "Check cloud in the config.",
        YOU,
        Ending.ACT,
    ),
    Remedy(
        (650057, 65005),
        "The app registration lacks a permission.",
        "Add the delegated permissions Presence.Read and User.Read.",
        OWNER,
        Ending.ACT,
    ),
    Remedy((70003,), "The way to sign in is not supported.", "Report this.", OWNER, Ending.ACT),
    Remedy(
        (65001,),
        "Nobody consented to this app yet.",
        "Sign in again and accept; if it is refused, ask your admin to grant consent.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy((65004,), "The consent was declined.", "Sign in and accept.", YOU, Ending.SIGN_IN),
    Remedy(
        (90094,),
        "An admin must consent to this app.",
        "Ask your admin to grant admin consent for the app.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (90095,),
        "The request for consent was sent to an admin.",
        "Wait for the approval, then sign in.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (50105,),
        "The person is not assigned to the app.",
        "Ask your admin to assign you, or to turn the assignment requirement off.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (50020, 50034, 51004, 50014, 16000),
        "The account does not exist in this tenant.",
        "Sign in with an account of the tenant in the config, or ask to be invited as a guest.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy((50057,), "The account is disabled.", "Ask your admin.", ADMIN, Ending.ACT),
    Remedy(
        (50053,),
        "The account is locked, or the address is suspicious.",
        "Wait, or ask your admin to unblock it.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy((50055, 50144), "The password has expired.", "Change it, sign in.", YOU, Ending.SIGN_IN),
    Remedy(
        (500212, 500213, 500021),
        "The organisations do not allow this sign-in across tenants.",
        "Ask your admin to allow the tenant.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (50076, 50074, 50078, 50158),
        "Multi-factor authentication is needed anew.",
        _AGAIN,
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (50079, 50072),
        "Multi-factor authentication must be set up first.",
        "Register at aka.ms/mysecurityinfo, then sign in.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (53003,),
        "A Conditional Access policy blocks this sign-in.",
        "Ask your admin for an exception, or use another way to sign in.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (530036,),
        "A policy now blocks sign-ins that began with a device code.",
        "Sign in by another way, or ask your admin for an exception.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (53000, 53001, 50097, 50129, 50005),
        "Only a managed device may sign in; a device code never is one.",
        "Ask your admin for an exception for this app.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (530032, 530034, 530035, 53004, 53011),
        "A security policy of the organisation blocks this sign-in.",
        "Ask your admin to look at it with the correlation id.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (70043,),
        "The organisation asks for a new sign-in every so often.",
        "Sign in again; your admin knows the sign-in frequency.",
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (70008, 700082),
        "The stored sign-in was not used for too long.",
        _AGAIN,
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (50173, 50132, 50133),
        "The sign-in was revoked, for example by a new password.",
        _AGAIN,
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy((50089, 70000), "The stored sign-in is not valid.", _AGAIN, YOU, Ending.SIGN_IN),
    Remedy((54005,), "The code was already used.", _AGAIN, YOU, Ending.SIGN_IN),
    Remedy((500133,), "The time is wrong.", "Check the clock.", YOU, Ending.ACT),
    Remedy(
        (50196, 90055, 50033, 90006, 90024, 90033, 90090, 50087, 70012),
        "Microsoft's sign-in has a bad moment.",
        "Nothing to do: it is tried again.",
        YOU,
        Ending.PASSES,
    ),
)

_BY_CODE = {code: row for row in REMEDIES for code in row.codes}
_BY_ERROR = {
    "authorization_declined": Remedy(
        (), "The sign-in was declined.", "Sign in again and accept.", YOU, Ending.SIGN_IN
    ),
    "expired_token": _BY_CODE[70019],
    "bad_verification_code": _BY_CODE[70018],
    "temporarily_unavailable": _BY_CODE[90033],
    "server_error": _BY_CODE[90033],
    "consent_required": _BY_CODE[65001],
}
_BY_ERROR["access_denied"] = _BY_ERROR["authorization_declined"]
_UNKNOWN = Remedy(
    (),
    "Microsoft refused the sign-in.",
    "Sign in again; if it stays, ask your admin.",
    YOU,
    Ending.SIGN_IN,
)
_NUMBER = re.compile(r"AADSTS(\d{4,8})")


def explain(result: Mapping[str, Any]) -> Explanation:
    """Tell an error answer of the token endpoint, as msal passes it on."""
    error = str(result.get("error", ""))
    number = _number(result)
    row = _BY_CODE.get(number or 0)
    if row is None:
        row = _BY_ERROR.get(error) or _BY_ERROR.get(str(result.get("suberror"))) or _UNKNOWN
    label = f" (AADSTS{number})" if number else f" ({error})" if row is _UNKNOWN and error else ""
    correlation_id = result.get("correlation_id")
    return Explanation(
        text=f"{row.text[:-1]}{label}.",
        remedy=row.remedy,
        who=row.who,
        passes=row.ending is Ending.PASSES,
        sign_in_again=row.ending is Ending.SIGN_IN,
        correlation_id=correlation_id if isinstance(correlation_id, str) else None,
    )


def _number(result: Mapping[str, Any]) -> int | None:
    codes = result.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int):
        return codes[0]
    match = _NUMBER.search(str(result.get("error_description", "")))
    return int(match.group(1)) if match else None
