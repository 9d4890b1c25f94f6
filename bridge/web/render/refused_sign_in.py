"""A refused sign-in: what happened, who mends it and where, and what to send them. Pure."""

from __future__ import annotations

from urllib.parse import quote, urlencode, urlsplit

from markupsafe import Markup

from bridge.contract.account import Letter, Mend, SignIn
from bridge.web.render.forms import copy_button, disclosure, link_away
from bridge.web.render.markup import tag

CHANGE_REGISTRATION = "set-up/registration"
"""Where tenant and client id are changed; relative, as all addresses of the page."""
_PLACES = {
    Mend.CONSENT: "Consent as an admin",
    Mend.PUBLIC_CLIENT: "Open the app registration",
    Mend.REDIRECT: "Open the app registration",
    Mend.PERMISSION: "Open the app registration",
}


def trouble(sign_in: SignIn, account: str) -> Markup | None:
    """All about it; nothing when there is none."""
    if not sign_in.message and not sign_in.remedy:
        return None
    reference = f"Reference for the admin: {sign_in.correlation_id}"
    return tag(
        "div",
        tag("p", tag("strong", sign_in.message)) if sign_in.message else None,
        tag("p", sign_in.remedy) if sign_in.remedy else None,
        _place(sign_in, account),
        tag("p", f"Who must act: {sign_in.who}.", class_="fine") if sign_in.who else None,
        tag("p", reference, class_="fine") if sign_in.correlation_id else None,
        _message(sign_in.letter, f"letter-{account}") if sign_in.letter else None,
        class_="trouble",
    )


def _place(sign_in: SignIn, account: str) -> Markup | None:
    """Where it is mended, as a link."""
    if sign_in.mend is Mend.REGISTRATION:
        address = f"{CHANGE_REGISTRATION}?{urlencode({'account': account})}"
        return tag("p", tag("a", "Change the app registration", href=address))
    address = sign_in.mend_url or ""
    words = _PLACES.get(sign_in.mend) if sign_in.mend else None
    if words is None or urlsplit(address).scheme != "https":
        return None
    return tag("p", link_away(words, address))


def _message(letter: Letter, element_id: str) -> Markup:
    """What to send to the admin, to be copied or mailed."""
    fields = urlencode({"subject": letter.subject, "body": letter.body}, quote_via=quote)
    text = f"{letter.subject}\n\n{letter.body}"
    return disclosure(
        "Message for the admin",
        tag(
            "pre",
            text,
            id=element_id,
            class_="letter",
            tabindex=0,
            role="region",
            aria_label="Message for the admin",
        ),
        copy_button(element_id, label="Copy the message for the admin"),
        " ",
        tag("a", "Write a mail", href=f"mailto:?{fields}"),
    )
