"""The step that asks for the broker: those that were found, and a form for any other. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bridge import DOCS_URL
from bridge.contract.found_broker import FoundBroker
from bridge.web.render.forms import disclosure, form
from bridge.web.render.markup import Child, join, tag
from bridge.web.set_up.form import Asked

CHOSEN = "chosen"
"""The field of a broker that was found: only the user is asked for."""
GUIDE = f"{DOCS_URL}/broker.md"
_TLS_FIELDS = ("tls", "ca", "server_name")


def broker_step(
    asked: Asked, found: Sequence[FoundBroker], *, password_kept: bool = False
) -> Markup:
    """What is shown of it; ``password_kept`` says that one was typed before."""
    if _is_chosen(asked):
        typed = asked.typed
        place = FoundBroker(typed["host"], int(typed["port"]), tls=bool(typed.get("tls")))
        return join(
            tag("p", f"The broker at {place.text} asks who we are."),
            _form(asked, password_kept=password_kept, **_choice(place)),
            form("look", button="Another broker", css="quiet"),
        )
    return join(
        tag(
            "p",
            "A broker is the exchange between programs: the bridge says there who is in a call, "
            "and lamps and Home Assistant listen. It is an MQTT broker such as Mosquitto; in Home "
            "Assistant it is the app Mosquitto broker.",
        ),
        [_found(each) for each in found],
        None if found else tag("p", "None was found near this machine. Type where yours is."),
        form("look", button="Look once more", css="quiet"),
        tag("h3", "Another one") if found else None,
        _form(asked, _place(asked), _tls(asked), password_kept=password_kept),
        tag("p", tag("a", "Users and TLS, step by step", href=GUIDE, rel="noreferrer")),
    )


def _is_chosen(asked: Asked) -> bool:
    """Whether nothing but the user of a broker that was found is in question."""
    mistake = asked.mistake
    is_place = asked.typed.get(CHOSEN) and asked.typed.get("port", "").isdecimal()
    return bool(is_place and mistake and mistake.field in ("username", "password"))


def _found(broker: FoundBroker) -> Markup:
    """One press tries it, and nothing about us is sent before."""
    says = "it asks for a user and password" if broker.asks_who else "it lets everybody in"
    return tag(
        "div",
        tag("p", tag("strong", f"Found: {broker.text}"), f"; {says}."),
        form("broker", button="Use it", label=f"Use {broker.text}", **_choice(broker)),
        class_="card row found",
    )


def _choice(broker: FoundBroker) -> dict[str, str]:
    """The fields of a form that say which one it is."""
    tls = {"tls": "on"} if broker.tls else {}
    return {"host": broker.host, "port": str(broker.port), CHOSEN: "1", **tls}


def _form(asked: Asked, *fields: Child, password_kept: bool, **hidden: str) -> Markup:
    return form(
        "broker",
        *fields,
        asked.input(
            "username",
            "User name, where the broker asks for one",
            "One that the broker knows. In Home Assistant: a login in the options of its app "
            "Mosquitto broker, or a user made for the bridge.",
            required=False,
        ),
        asked.input(
            "password",
            "Its password",
            "As it was typed before, unless you type another one."
            if password_kept
            else "It goes into a file that only the bridge reads.",
            required=False,
            type="password",
            value=None,
        ),
        button="Try it and go on",
        **hidden,
    )


def _place(asked: Asked) -> Markup:
    return join(
        asked.input(
            "host",
            "Name or address",
            "localhost, where it runs on this machine; for that of Home Assistant its address, "
            "such as 192.168.1.5.",
        ),
        asked.input(
            "port",
            "Port",
            "Empty is 1883, or 8883 with TLS.",
            inputmode="numeric",
            required=False,
        ),
    )


def _tls(asked: Asked) -> Markup:
    is_open = any(asked.typed.get(name) for name in _TLS_FIELDS) or bool(
        asked.mistake and asked.mistake.field in _TLS_FIELDS
    )
    on = bool(asked.typed.get("tls"))
    ticked = tag("input", type="checkbox", id="tls", name="tls", checked=on, **asked.about("tls"))
    return disclosure(
        "TLS",
        tag("p", tag("label", ticked, " The broker speaks TLS there", for_="tls")),
        asked.below("tls", "What goes to it is then encrypted."),
        asked.area(
            "ca",
            "The authority that signed its certificate",
            "Its certificate in PEM, such as broker_ca.pem; empty for Let's Encrypt and other "
            "public ones.",
        ),
        asked.input(
            "server_name",
            "The name in its certificate",
            "Only where it is not the name above.",
            required=False,
        ),
        is_open=is_open,
    )
