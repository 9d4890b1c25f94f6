"""How an app registration is made, and the form that asks for its two values. Pure."""

from __future__ import annotations

from markupsafe import Markup

from bridge.web.render.forms import copy_button, form, link_away
from bridge.web.render.markup import join, tag
from bridge.web.set_up.form import Asked, guide_link

PORTAL = "https://entra.microsoft.com"
APP_NAME = "Presence Bridge"
REDIRECT = "http://localhost"
"""For a sign-in in a browser; any port of it."""


def registration_steps() -> Markup:
    """What to do in the portal."""
    return join(
        tag(
            "p",
            "Microsoft answers only programs that are entered in your organisation's directory. "
            "Such an entry is an app registration: it takes five minutes, once, in the ",
            link_away("Entra portal", PORTAL),
            ". It lets the bridge read the presence of whoever signs in to it, and nothing else. ",
            guide_link(),
            ".",
        ),
        tag(
            "ol",
            tag(
                "li",
                "Entra ID, App registrations, New registration. Name: ",
                _copy("app-name", APP_NAME),
            ),
            tag("li", "Supported account types: accounts in this organizational directory only."),
            tag(
                "li",
                "Register. Then, under Authentication, add the platform Mobile and desktop "
                "applications with the redirect URI ",
                _copy("redirect", REDIRECT),
                " and set Allow public client flows to Yes.",
            ),
            tag(
                "li",
                "Under API permissions add a delegated permission of Microsoft Graph: ",
                _copy("permission", "Presence.Read"),
            ),
            tag("li", "From the overview copy the two values:"),
        ),
    )


def registration_form(asked: Asked, *, button: str) -> Markup:
    """Asks for the two values."""
    return form(
        "registration",
        asked.input(
            "client_id",
            "Application (client) ID",
            "Which entry it is: the first of the three ids on the overview. Not the Object ID.",
            spellcheck="false",
        ),
        asked.input(
            "tenant",
            "Directory (tenant) ID, or your domain",
            "Which organisation: the last of the three ids, or what stands behind the @ of your "
            "work address, such as contoso.com.",
            spellcheck="false",
        ),
        button=button,
        **asked.hidden,
    )


def _copy(name: str, text: str) -> Markup:
    shown = tag("output", tag("strong", text), id=name)
    return join(shown, " ", copy_button(name, label=f"Copy {text}"))
