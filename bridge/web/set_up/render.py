"""The guided set-up as pages: one thing at a time. Pure; shows no password again."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bridge.contract.found_broker import FoundBroker
from bridge.web.api import PREFIX
from bridge.web.render.document import card_document, way_back
from bridge.web.render.forms import form
from bridge.web.render.markup import join, tag
from bridge.web.render.people import NAME_LIMIT
from bridge.web.set_up.broker_form import broker_step
from bridge.web.set_up.draft import Draft
from bridge.web.set_up.form import Asked
from bridge.web.set_up.registration_form import registration_form, registration_steps

STEPS = ("Broker", "App registration", "First person")


def setup_page(
    draft: Draft,
    asked: Asked | None = None,
    *,
    found: Sequence[FoundBroker] = (),
    password_kept: bool = False,
    refusal: str = "",
    is_none_offered: bool = False,
) -> str:
    """The step that comes next, with what was wrong with the last answer.

    ``refusal``: why the broker that is named already does not let us in; ``is_none_offered``: this
    is Home Assistant's app, and Home Assistant has no broker.
    """
    asked = asked or Asked()
    step = 0 if draft.broker is None else 1 if draft.registration is None else 2
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
