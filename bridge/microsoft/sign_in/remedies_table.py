"""Every sign-in error that we know by its number, and what to tell. Pure.

Sources: Microsoft Entra documentation, "Microsoft Entra authentication and authorization error
codes"; RFC 6749, 4.1.2.1 and 5.2; RFC 8628, 3.5. docs/errors.md shows this table.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import NamedTuple

from bridge.contract.account import Mend, Way

YOU, ADMIN, OWNER = "you", "your admin", "the app's owner"
BROWSER = "presence-bridge login NAME --browser"
"""A command in a remedy, for whichever account it is."""


class Ending(StrEnum):
    """What follows from an error."""

    PASSES = "passes"
    """It goes away by itself."""
    SIGN_IN = "sign in"
    """The same person signs in again."""
    ACT = "act"
    """Somebody changes something first."""


class Remedy(NamedTuple):
    """One row: the AADSTS numbers it covers and what to tell."""

    codes: tuple[int, ...]
    text: str
    remedy: str
    who: str
    ending: Ending
    mend: Mend | None = None
    refuses: tuple[Way, ...] = ()
    """The ways to sign in that it is about: the other one may do."""


_AGAIN = "Sign in again."
_sign_in = partial(Remedy, who=YOU, ending=Ending.SIGN_IN)
_you = partial(Remedy, who=YOU, ending=Ending.ACT)
_admin = partial(Remedy, who=ADMIN, ending=Ending.ACT)
_owner = partial(Remedy, who=OWNER, ending=Ending.ACT)
_passes = partial(Remedy, who=YOU, ending=Ending.PASSES)
_registration = partial(_you, mend=Mend.REGISTRATION)
_exception = partial(_admin, mend=Mend.EXCEPTION)
_no_code = partial(_exception, refuses=(Way.DEVICE_CODE,))
_redirect = partial(_owner, mend=Mend.REDIRECT, refuses=(Way.BROWSER,))

REMEDIES = (
    _sign_in((70018,), "The code is not known.", _AGAIN),
    _sign_in(
        (70019,),
        "The code expired before anybody entered it.",
        "Start the sign-in again and enter the new code within 15 minutes.",
    ),
    _sign_in((90119, 90120), "The code was empty or already used.", _AGAIN),
    _sign_in(
        (50134,),
        "The code was entered from another region.",
        "Sign in again, without a VPN on the device where you enter the code.",
    ),
    _registration(
        (50059, 90133, 50194, 9001023, 90124, 90130),
        "This app needs the address of one tenant.",
        "Set tenant to your organisation's domain or GUID.",
    ),
    _registration(
        (90002, 900021, 900023),
        "The tenant does not exist, or lives in another cloud.",
        "Check tenant and cloud in the config.",
    ),
    _registration((90038,), "The tenant lives in another cloud.", "Set cloud to it."),
    _registration(
        (700016,),
        "The client id is not known in this tenant.",
        "Check client_id and tenant; the tenant must own the app or have consented to it.",
        who=OWNER,
    ),
    _registration(
        (700038,),
        "The client id is not valid.",
        "Copy Application (client) ID from the app registration into client_id.",
        who=OWNER,
    ),
    _owner(
        (7000218,),
        "The app does not allow public client flows.",
        'Set "Allow public client flows" to Yes under Authentication of the app registration.',
        mend=Mend.PUBLIC_CLIENT,
        refuses=(Way.DEVICE_CODE, Way.BROWSER),
    ),
    _owner(
        (700025,),
        "The app is a public client and got a credential.",
        "Take the certificate out of the config, or register the app as a confidential client.",
    ),
    _owner(
        (7000215, 7000222),
        "The client secret is wrong or has expired.",
        "Use a certificate, or enter the new secret's value.",
    ),
    _owner(
        (700027,),
        "The certificate is not accepted.",
        "Upload the certificate to the app registration, and check the clock.",
    ),
    _owner((70011, 28002), "A permission is misspelt.", "Report this."),
    _you((500011,), "Microsoft Graph is not known in this tenant.", "Check cloud in the config."),
    _owner(
        (650057, 65005),
        "The app registration lacks a permission.",
        "Add the delegated permissions Presence.Read and User.Read.",
        mend=Mend.PERMISSION,
    ),
    _owner((70003,), "The way to sign in is not supported.", "Report this."),
    _sign_in(
        (65001,),
        "Nobody consented to this app yet.",
        "Sign in again and accept; if it is refused, ask your admin to grant consent.",
        mend=Mend.CONSENT,
    ),
    _sign_in((65004,), "The consent was declined.", "Sign in and accept."),
    _admin(
        (90094,),
        "An admin must consent to this app.",
        "Ask your admin to grant admin consent for the app.",
        mend=Mend.CONSENT,
    ),
    _admin(
        (90095,),
        "The request for consent was sent to an admin.",
        "Wait for the approval, then sign in.",
        mend=Mend.CONSENT,
    ),
    _admin(
        (50105,),
        "The person is not assigned to the app.",
        "Ask your admin to assign you, or to turn the assignment requirement off.",
        mend=Mend.ASSIGNMENT,
    ),
    _sign_in(
        (50020, 50034, 51004, 50014, 16000),
        "The account does not exist in this tenant.",
        "Sign in with an account of the tenant in the config, or ask to be invited as a guest.",
    ),
    _admin((50057,), "The account is disabled.", "Ask your admin."),
    _admin(
        (50053,),
        "The account is locked, or the address is suspicious.",
        "Wait, or ask your admin to unblock it.",
    ),
    _sign_in((50055, 50144), "The password has expired.", "Change it, sign in."),
    _admin(
        (500212, 500213, 500021),
        "The organisations do not allow this sign-in across tenants.",
        "Ask your admin to allow the tenant.",
    ),
    _sign_in((50076, 50074, 50078, 50158), "Multi-factor authentication is needed anew.", _AGAIN),
    _sign_in(
        (50079, 50072),
        "Multi-factor authentication must be set up first.",
        "Register at aka.ms/mysecurityinfo, then sign in.",
    ),
    _no_code(
        (53003,),
        "A Conditional Access policy blocks this sign-in.",
        f"Ask your admin for an exception, or try a browser: {BROWSER}.",
    ),
    _no_code(
        (530036,),
        "A policy now blocks sign-ins that began with a device code.",
        f"Try a browser: {BROWSER}; or ask your admin for an exception.",
    ),
    _no_code(
        (53000, 53001, 50097, 50129, 50005),
        "Only a managed device may sign in; a device code never is one.",
        "Sign in with a browser on a managed device, or ask your admin for an exception.",
    ),
    _exception(
        (530032, 530034, 530035, 53004, 53011),
        "A security policy of the organisation blocks this sign-in.",
        "Ask your admin to look at it with the correlation id.",
    ),
    _sign_in(
        (70043,),
        "The organisation asks for a new sign-in every so often.",
        "Sign in again; your admin knows the sign-in frequency.",
    ),
    _sign_in((70008, 700082), "The stored sign-in was not used for too long.", _AGAIN),
    _sign_in(
        (50173, 50132, 50133), "The sign-in was revoked, for example by a new password.", _AGAIN
    ),
    _sign_in((50089, 70000), "The stored sign-in is not valid.", _AGAIN),
    _sign_in(
        (54005, 500112, 501481), "The code was already used, or belongs to another sign-in.", _AGAIN
    ),
    _redirect(
        (50011, 500113, 900971),
        "The app registration does not know the address that the browser comes back to.",
        'Add http://localhost under "Mobile and desktop applications" in Authentication.',
    ),
    _redirect(
        (9002325, 9002326, 9002327),
        "The app registration has the address for coming back as a single-page application.",
        'Register http://localhost under "Mobile and desktop applications" instead.',
    ),
    _you((500133, 700024), "The time is wrong.", "Check the clock."),
    _passes(
        (50196, 90055, 50033, 90006, 90024, 90033, 90090, 50087, 70012),
        "Microsoft's sign-in has a bad moment.",
        "Nothing to do: it is tried again.",
    ),
)

TENANT_REFUSED, NO_REFRESH_TOKEN = "invalid_tenant", "no_refresh_token"
WITHOUT_NUMBER = {
    TENANT_REFUSED: _registration(
        (), "Microsoft's sign-in refuses the tenant.", "Check tenant and cloud in the config."
    ),
    NO_REFRESH_TOKEN: _sign_in(
        (), "The stored sign-in cannot be renewed: it holds no refresh token.", "Sign in again."
    ),
    "authorization_declined": _sign_in(
        (), "The sign-in was declined.", "Sign in again and accept."
    ),
    "nobody_came_back": _sign_in(
        (), "Nobody came back from the browser within 10 minutes.", "Start the sign-in again."
    ),
    "not_redeemed": _sign_in(
        (),
        "Microsoft's sign-in had too many bad moments after the browser came back.",
        "Start the sign-in again in a while.",
    ),
    "nonce_mismatch": _sign_in(
        (),
        "The answer belongs to another sign-in.",
        "Start the sign-in again and open its newest address.",
    ),
}
"""Errors that come without a number; those with an underscore that no standard knows are our own,
and a refusal to look a tenant up is called "invalid_tenant" whatever its number."""
UNKNOWN = _sign_in(
    (), "Microsoft refused the sign-in.", "Sign in again; if it stays, ask your admin."
)
