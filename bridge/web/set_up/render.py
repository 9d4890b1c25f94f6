"""The guided set-up as pages: one thing at a time. Pure; never shows a password again."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.web.api import PREFIX
from bridge.web.render.forms import form
from bridge.web.render.markup import Child, Html, join, tag
from bridge.web.render.page import document
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
    notice: str = "",
    typed: Mapping[str, str] | None = None,
    broker_found: bool = False,
) -> str:
    """The step that comes next.

    ``typed`` is what the reader filled in before; ``broker_found`` tells of one on this machine.
    """
    typed = typed or {}
    step = 0 if draft.broker is None else 1 if draft.registration is None else 2
    body = (_broker(typed, found=broker_found), _registration(typed), _person(typed))[step]
    return document(
        f"Presence: {STEPS[step]}",
        tag(
            "main",
            tag("h1", "Set up Presence Bridge"),
            tag(
                "ol",
                [
                    tag("li", name, aria_current="step" if number == step else None)
                    for number, name in enumerate(STEPS)
                ],
                class_="steps",
                aria_label="Steps",
            ),
            tag("p", notice, class_="notice", role="alert") if notice else None,
            tag("h2", STEPS[step]),
            body,
            form("back", button="Back", css="quiet") if step else None,
            class_="card door wide",
        ),
    )


def done_page(name: str) -> str:
    """The config is written; the browser goes on by itself when the bridge answers."""
    return document(
        "Presence: ready",
        tag(
            "main",
            tag("h1", "Ready"),
            tag("p", f"The bridge starts now and asks for the sign-in of {name}.", role="status"),
            tag("p", tag("a", "To the page", href="./")),
            class_="card door",
            data_await=f"{PREFIX}/health".removeprefix("/"),
        ),
    )


def _broker(typed: Mapping[str, str], *, found: bool) -> Html:
    told = (
        "There is one on this machine: try it as it is."
        if found
        else "Lamps and Home Assistant hear of presence through it. None was found on this machine."
    )
    return join(
        tag("p", "An MQTT broker such as Mosquitto, or the Mosquitto add-on of Home Assistant."),
        tag("p", told),
        form(
            "broker",
            _field("host", "Name or address", value=typed.get("host", "localhost")),
            _field("port", "Port", value=typed.get("port", "1883"), inputmode="numeric"),
            _field(
                "username",
                "User name, where the broker asks for one",
                required=False,
                value=typed.get("username"),
            ),
            _field("password", "Its password", required=False, type="password"),
            button="Try it and go on",
        ),
    )


def _registration(typed: Mapping[str, str]) -> Html:
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
            _field(
                "client_id",
                "Application (client) ID",
                value=typed.get("client_id"),
                spellcheck="false",
            ),
            _field(
                "tenant",
                "Directory (tenant) ID, or your domain",
                value=typed.get("tenant"),
                spellcheck="false",
            ),
            button="Check and go on",
        ),
    )


def _person(typed: Mapping[str, str]) -> Html:
    return join(
        tag("p", "Whose presence is shown? More people can be added later."),
        form(
            "person",
            _field("name", "Name", value=typed.get("name"), maxlength=NAME_LIMIT),
            _field(
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


def _field(name: str, label: str, *, required: bool = True, **attributes: str | int | None) -> Html:
    return join(
        tag("label", label, for_=name),
        tag("input", id=name, name=name, required=required, autocomplete="off", **attributes),
    )


def _copy(name: str, text: str) -> Child:
    return join(
        tag("output", tag("strong", text), id=name),
        " ",
        tag("button", "Copy", type="button", data_copy=name, aria_label=f"Copy {text}"),
    )
