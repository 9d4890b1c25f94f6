"""Where a refused sign-in is mended, and the ready message to the admin who can. Pure.

Sources: Microsoft Entra documentation, "Grant tenant-wide admin consent to an application",
"Manage users and groups assignment to an application" and "Block authentication flows with
Conditional Access policy"; the addresses of the portal's pages are those that it shows itself.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from bridge.contract.account import Letter, Mend
from bridge.microsoft.sign_in.registration import PublicApp

_PAGES = {
    Mend.PUBLIC_CLIENT: "Authentication",
    Mend.REDIRECT: "Authentication",
    Mend.PERMISSION: "CallAnAPI",
}
"""Pages of an app registration, as the portal calls them in its addresses."""
_PORTALS = {"login.microsoftonline.us": "https://entra.microsoft.us"}
PORTAL = "https://entra.microsoft.com"
_SUBJECTS = {
    Mend.CONSENT: "Please consent to the app Presence Bridge",
    Mend.ASSIGNMENT: "Please assign me to the app Presence Bridge",
    Mend.EXCEPTION: "Please let me sign in to the app Presence Bridge",
}
_WHAT = (
    "I would like to use Presence Bridge, which shows my Teams presence on a lamp and in Home "
    "Assistant."
)
_WISHES = {
    Mend.CONSENT: "Microsoft wants an admin to consent to it first. Please open this address, sign "
    "in as an admin and accept:\n\n{url}\n\nIts last page may not load; the consent is given "
    "nevertheless. The same can be done in the Entra admin center under App registrations, the "
    "app, API permissions, Grant admin consent.",
    Mend.ASSIGNMENT: "It only lets in who is assigned to it. Please add me in the Entra admin "
    "center under Enterprise applications, the app, Users and groups; or set Assignment required "
    "to No under Properties.",
    Mend.EXCEPTION: "A Conditional Access or security policy blocks the sign-in; the sign-in logs "
    "of Entra show which one, by the correlation id below. Please make an exception for it, or "
    "for me in it: it only reads presence.",
}


def consent_url(app: PublicApp) -> str:
    """Where an admin of the tenant consents to the app's permissions for everybody."""
    return f"{app.authority}/adminconsent?{urlencode({'client_id': app.client_id})}"


def mend_url(mend: Mend | None, app: PublicApp) -> str | None:
    """The page on which ``mend`` is done; ``None`` where there is none that could be named."""
    if mend is Mend.CONSENT:
        return consent_url(app)
    if mend not in _PAGES:
        return None
    portal = _PORTALS.get(urlsplit(app.authority).hostname or "", PORTAL)
    blade = "#view/Microsoft_AAD_RegisteredApps/ApplicationMenuBlade"
    return f"{portal}/{blade}/~/{_PAGES[mend]}/appId/{app.client_id}"


def letter(
    mend: Mend | None,
    app: PublicApp,
    *,
    aadsts: int | None = None,
    correlation_id: str | None = None,
) -> Letter | None:
    """What to send to the admin, where one must do ``mend``."""
    if mend not in _WISHES:
        return None
    facts = {
        "Application (client) ID": app.client_id,
        "Tenant": app.tenant,
        "Error": f"AADSTS{aadsts}" if aadsts else None,
        "Correlation id": correlation_id,
    }
    wish = _WISHES[mend].format(url=consent_url(app))
    lines = "\n".join(f"{name}: {fact}" for name, fact in facts.items() if fact)
    return Letter(_SUBJECTS[mend], f"Hello,\n\n{_WHAT} {wish}\n\n{lines}\n\nThank you!")
