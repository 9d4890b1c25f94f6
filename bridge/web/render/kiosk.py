"""One person in one colour that fills the screen: for an old tablet at the door. Pure.

Its style sheet and script do without what browsers learned after 2012; a browser without any script
loads the page anew.
"""

from __future__ import annotations

from markupsafe import Markup

from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import Calendar, headline
from bridge.web.data.snapshot import Person
from bridge.web.render.markup import tag
from bridge.web.render.parts import Parts, have_text
from bridge.web.render.times import clock_time, iso

KIOSK = "kiosk"
RELOAD_S = 30
"""A browser without a script loads the page anew this often."""


def kiosk_parts(person: Person | None, account: str, calendar: Calendar) -> Parts:
    """The one part of the page of ``account``; ``person`` is ``None`` while nobody is called so."""
    nobody = tag("p", f"Nobody is followed as {account}", id="state")
    empty = tag("main", nobody, id=KIOSK, class_=Kind.UNKNOWN)
    shown = _person(person, calendar) if person else empty
    return Parts(Markup(), {}, {KIOSK: shown})


def kiosk_page(parts: Parts, *, release: str, account: str, as_of: Markup) -> str:
    """The page of ``account``."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="mobile-web-app-capable", content="yes"),
        tag("title", "Presence"),
        tag("noscript", tag("meta", http_equiv="refresh", content=RELOAD_S)),
        tag("link", rel="icon", href="static/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="static/kiosk.css"),
    )
    body = tag(
        "body",
        parts.sections[KIOSK],
        tag("p", "As of ", as_of, id="age"),
        tag("script", src="static/kiosk.js"),
        data_release=release,
        data_only=account,
        data_have=have_text(parts.versions),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}"


def _person(person: Person, calendar: Calendar) -> Markup:
    since = person.changed_at if person.fresh else None
    presence = person.current
    return tag(
        "main",
        tag("h1", person.name),
        tag("p", headline(person), id="state"),
        tag("p", "since ", clock_time(since, calendar)) if since else None,
        tag("p", presence.status_message) if presence and presence.status_message else None,
        id=KIOSK,
        class_=person.kind,
        data_valid_until=iso(person.valid_until) if person.fresh and person.valid_until else None,
    )
