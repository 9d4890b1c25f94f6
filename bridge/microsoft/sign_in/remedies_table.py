"""Every sign-in error that we know by its number, and what to tell. Pure.

Sources: Microsoft Entra documentation, "Microsoft Entra authentication and authorization error
codes"; RFC 6749, 4.1.2.1 and 5.2; RFC 8628, 3.5. docs/signing-in.md shows this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


def for_account(remedy: str, slug: str) -> str:
    """``remedy`` with the name of the account that it is told for in its command."""
    return remedy.replace(BROWSER, BROWSER.replace("NAME", slug))


_AGAIN = "Sign in again."
BROWSER = "presence-bridge login NAME --browser"

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
        (90002, 900021, 900023),
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
        f"Ask your admin for an exception, or try a browser: {BROWSER}.",
        ADMIN,
        Ending.ACT,
    ),
    Remedy(
        (530036,),
        "A policy now blocks sign-ins that began with a device code.",
        f"Try a browser: {BROWSER}; or ask your admin for an exception.",
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
    Remedy(
        (54005, 500112, 501481),
        "The code was already used, or belongs to another sign-in.",
        _AGAIN,
        YOU,
        Ending.SIGN_IN,
    ),
    Remedy(
        (50011, 500113, 900971),
        "The app registration does not know the address that the browser comes back to.",
        'Add http://localhost under "Mobile and desktop applications" in Authentication.',
        OWNER,
        Ending.ACT,
    ),
    Remedy(
        (9002325, 9002326, 9002327),
        "The app registration has the address for coming back as a single-page application.",
        'Register http://localhost under "Mobile and desktop applications" instead.',
        OWNER,
        Ending.ACT,
    ),
    Remedy((500133, 700024), "The time is wrong.", "Check the clock.", YOU, Ending.ACT),
    Remedy(
        (50196, 90055, 50033, 90006, 90024, 90033, 90090, 50087, 70012),
        "Microsoft's sign-in has a bad moment.",
        "Nothing to do: it is tried again.",
        YOU,
        Ending.PASSES,
    ),
)

TENANT_REFUSED, NO_REFRESH_TOKEN = "invalid_tenant", "no_refresh_token"
WITHOUT_NUMBER = {
    TENANT_REFUSED: Remedy(
        (),
        "Microsoft's sign-in refuses the tenant.",
        "Check tenant and cloud in the config.",
        YOU,
        Ending.ACT,
    ),
    NO_REFRESH_TOKEN: Remedy(
        (),
        "The stored sign-in cannot be renewed: it holds no refresh token.",
        "Sign in again.",
        YOU,
        Ending.SIGN_IN,
    ),
    "authorization_declined": Remedy(
        (), "The sign-in was declined.", "Sign in again and accept.", YOU, Ending.SIGN_IN
    ),
    "nobody_came_back": Remedy(
        (),
        "Nobody came back from the browser within 10 minutes.",
        "Start the sign-in again.",
        YOU,
        Ending.SIGN_IN,
    ),
    "not_redeemed": Remedy(
        (),
        "Microsoft's sign-in had too many bad moments after the browser came back.",
        "Start the sign-in again in a while.",
        YOU,
        Ending.SIGN_IN,
    ),
    "nonce_mismatch": Remedy(
        (),
        "The answer belongs to another sign-in.",
        "Start the sign-in again and open its newest address.",
        YOU,
        Ending.SIGN_IN,
    ),
}
"""Errors that come without a number; those with an underscore that no standard knows are our own,
and a refusal to look a tenant up is called "invalid_tenant" whatever its number."""
UNKNOWN = Remedy(
    (),
    "Microsoft refused the sign-in.",
    "Sign in again; if it stays, ask your admin.",
    YOU,
    Ending.SIGN_IN,
)
