"""The guided set-up as pages: one thing at a time. Pure; shows no password again."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from bridge.web.api import PREFIX
from bridge.web.render.document import card_document, notice, way_back
from bridge.web.render.forms import copy_button, form, text_field
from bridge.web.render.markup import join, tag
from bridge.web.render.people import NAME_LIMIT
from bridge.web.set_up.draft import Draft

PORTAL = "https://entra.microsoft.com"
STEPS = ("Broker", "App registration", "First person")
APP_NAME = "Presence Bridge"
REDIRECT = "http://localhost"
"""For a sign-in in a browser; any port of it."""


def setup_page(
    draft: Draft,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    broker_found: bool = False,
) -> str:
    """The step that comes next, with the ``problem`` of the last answer.

    ``typed`` is what the reader filled in before; ``broker_found``: there is one on this machine.
    """
    typed = typed or {}
    step = 0 if draft.broker is None else 1 if draft.registration is None else 2
    body = (_broker(typed, found=broker_found), _registration(typed), _person(typed))[step]
    steps = [
        tag("li", name, aria_current="step" if number == step else None)
        for number, name in enumerate(STEPS)
    ]
    return card_document(
        f"Presence: {STEPS[step]}",
        tag("h1", "Set up Presence Bridge"),
        tag("ol", steps, class_="steps", aria_label="Steps"),
        notice(problem),
        tag("h2", STEPS[step]),
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


def _broker(typed: Mapping[str, str], *, found: bool) -> Markup:
    found_one = (
        "There is one on this machine: try it as it is."
        if found
        else "Lamps and Home Assistant get presence through it. None was found on this machine."
    )
    return join(
        tag("p", "An MQTT broker such as Mosquitto, or the Mosquitto add-on of Home Assistant."),
        tag("p", found_one),
        form(
            "broker",
            text_field("host", "Name or address", value=typed.get("host", "localhost")),
            text_field("port", "Port", value=typed.get("port", "1883"), inputmode="numeric"),
            text_field(
                "username",
                "User name, where the broker asks for one",
                required=False,
                value=typed.get("username"),
            ),
            text_field("password", "Its password", required=False, type="password"),
            button="Try it and go on",
        ),
    )


def _registration(typed: Mapping[str, str]) -> Markup:
    return join(
        tag(
            "p",
            "Microsoft must know this bridge. It takes five minutes, once, in your organisation's ",
            tag("a", "Entra portal", href=PORTAL, target="_blank", rel="noreferrer"),
            ".",
        ),
        tag(
            "ol",
            tag("li", "App registrations, New registration. Name: ", _copy("app-name", APP_NAME)),
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
        form(
            "registration",
            text_field(
                "client_id",
                "Application (client) ID",
                value=typed.get("client_id"),
                spellcheck="false",
            ),
            text_field(
                "tenant",
                "Directory (tenant) ID, or your domain",
                value=typed.get("tenant"),
                spellcheck="false",
            ),
            button="Check and go on",
        ),
    )


def _person(typed: Mapping[str, str]) -> Markup:
    return join(
        tag("p", "Whose presence is shown? More people can be added later."),
        form(
            "person",
            text_field("name", "Name", value=typed.get("name"), maxlength=NAME_LIMIT),
            text_field(
                "time_zone",
                "Time zone, for hours and schedules",
                required=False,
                value=typed.get("time_zone"),
                data_zone=True,
                spellcheck="false",
            ),
            button="Write the config and start",
        ),
    )


def _copy(name: str, text: str) -> Markup:
    shown = tag("output", tag("strong", text), id=name)
    return join(shown, " ", copy_button(name, label=f"Copy {text}"))
