"""The guided set-up as pages: one thing at a time. Pure; shows no password again.

How an app registration is made, and its form, are also shown where one is changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bridge.contract.found_broker import FoundBroker
from bridge.web.api import PREFIX
from bridge.web.render.document import card_document, way_back
from bridge.web.render.forms import copy_button, form, link_away
from bridge.web.render.markup import join, numbered, tag
from bridge.web.render.people import NAME_LIMIT
from bridge.web.set_up.broker_form import broker_step
from bridge.web.set_up.form import Asked, guide_link

PORTAL = "https://entra.microsoft.com"
APP_NAME = "Presence Bridge"
REDIRECT = "http://localhost"
"""For a sign-in in a browser; any port of it."""
STEPS = ("Broker", "App registration", "First person")


def setup_page(
    step: int,
    asked: Asked | None = None,
    *,
    found: Sequence[FoundBroker] = (),
    password_kept: bool = False,
    refusal: str = "",
    is_none_offered: bool = False,
) -> str:
    """One of ``STEPS``, with what was wrong with the last answer.

    ``refusal``: why the broker that is named already does not let us in; ``is_none_offered``: this
    is Home Assistant's app, and Home Assistant has no broker.
    """
    asked = asked or Asked()
    body = (
        broker_step(asked, found, password_kept=password_kept),
        join(registration_steps(), registration_form(asked, button="Check and go on")),
        _person(asked),
    )[step]
    steps = [
        tag("li", name, aria_current="step" if number == step else None)
        for number, name in enumerate(STEPS)
    ]
    return card_document(
        f"Presence: {'not taken, ' if asked.mistake else ''}{STEPS[step]}",
        tag("h1", "Set up Presence Bridge"),
        tag("ol", steps, class_="steps", aria_label="Steps"),
        asked.refusal(),
        tag("h2", STEPS[step]),
        _none_offered() if step == 0 and is_none_offered else None,
        tag("p", f"One is named already: {refusal}") if step == 0 and refusal else None,
        body,
        form("back", button="Back", css="quiet") if step else None,
        css=" wide",
    )


def done_page(name: str) -> str:
    """The config is written; the browser goes on by itself when the bridge answers."""
    return card_document(
        "Presence: ready",
        tag("h1", "Ready"),
        tag("p", f"The bridge starts now and asks for the sign-in of {name}.", role="status"),
        way_back(),
        data_await=f"{PREFIX}/health".removeprefix("/"),
    )


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
        numbered(
            join(
                "Entra ID, App registrations, New registration. Name: ", _copy("app-name", APP_NAME)
            ),
            "Supported account types: accounts in this organizational directory only.",
            join(
                "Register. Then, under Authentication, add the platform Mobile and desktop "
                "applications with the redirect URI ",
                _copy("redirect", REDIRECT),
                " and set Allow public client flows to Yes.",
            ),
            join(
                "Under API permissions add a delegated permission of Microsoft Graph: ",
                _copy("permission", "Presence.Read"),
            ),
            "From the overview copy the two values:",
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


def _person(asked: Asked) -> Markup:
    return join(
        tag("p", "Whose presence is shown? More people can be added later."),
        form(
            "person",
            asked.input("name", "Name", "As it stands on the card.", maxlength=NAME_LIMIT),
            asked.input(
                "time_zone",
                "Time zone, for hours and schedules",
                "Where the lamps are, such as Europe/Berlin; empty is the machine's own.",
                required=False,
                data_zone=True,
                spellcheck="false",
            ),
            button="Write the config and start",
        ),
    )


def _none_offered() -> Markup:
    """What to install in Home Assistant; the link leads here once more, which looks for it."""
    return tag(
        "p",
        tag("strong", "Home Assistant has no broker yet. "),
        "Install and start its app Mosquitto broker, ",
        tag("a", "then go on", href="./"),
        "; or give another broker here.",
    )


def _copy(name: str, text: str) -> Markup:
    shown = tag("output", tag("strong", text), id=name)
    return join(shown, " ", copy_button(name, label=f"Copy {text}"))
