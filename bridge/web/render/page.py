"""The whole page, and its parts that change by themselves: one snapshot in, HTML out."""

from __future__ import annotations

from dataclasses import replace

from markupsafe import Markup

from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Person, Snapshot
from bridge.web.render.document import document
from bridge.web.render.forms import form, with_find
from bridge.web.render.health import health_section, refusal_section
from bridge.web.render.lights import lights_section
from bridge.web.render.markup import join, tag
from bridge.web.render.parts import CARDS_SLOT, Parts, have_text
from bridge.web.render.people import people_section, person_card, tables_section
from bridge.web.render.today import today_section

HEAD = (
    tag("link", rel="manifest", href="manifest.webmanifest", crossorigin="use-credentials"),
    tag("meta", name="theme-color", content="#f4f5f7", media="(prefers-color-scheme: light)"),
    tag("meta", name="theme-color", content="#14171b", media="(prefers-color-scheme: dark)"),
    tag("link", rel="apple-touch-icon", href="static/icon-192.png"),
)


def parts_of(
    snapshot: Snapshot, calendar: Calendar, people: tuple[Person, ...], find: str = ""
) -> Parts:
    """The live parts with ``people`` of the snapshot, for those who look for ``find``."""
    names = {person.account: person.name for person in people}
    days = tuple(
        replace(day, name=names[day.account]) for day in snapshot.days if day.account in names
    )
    sections = {
        "refusal": refusal_section(snapshot, calendar),
        "tables": tables_section(snapshot, calendar),
        "today": today_section(days, calendar),
        "lights": lights_section(snapshot, calendar),
        "health": health_section(snapshot, calendar),
    }
    return Parts(
        people_section(snapshot, CARDS_SLOT if people else None, find),
        {person.card: person_card(person, calendar) for person in people},
        {name: part or tag("section", id=name) for name, part in sections.items()},
        find=find,
    )


def page(
    parts: Parts,
    *,
    release: str,
    as_of: Markup,
    refusal: str = "",
    can_leave: bool = False,
) -> str:
    """The page. ``release`` lets the script notice when another bridge answers.

    ``as_of`` is the bridge's time now, by which the script sets its clock; ``refusal`` is what a
    form was refused for; ``can_leave`` shows the button that ends a session.
    """
    first, *others = parts.sections.values()
    live = join("As of ", as_of, ", not live: ")
    whole = document(
        "Presence",
        tag("a", "Skip to people", href="#people", class_="skip"),
        tag(
            "header",
            tag("h1", "Presence"),
            tag("p", live, tag("a", "reload", href=""), id="live", class_="fine", role="status"),
            form("leave", button="Lock this page", css="quiet") if can_leave else None,
        ),
        tag(
            "main",
            first,
            parts.people,
            others,
            data_release=release,
            data_find=parts.find or None,
            data_have=have_text(parts.versions),
        ),
        tag("p", refusal, id="said", role="alert"),
        tag("p", id="say", class_="hidden", aria_live="polite"),
        head=HEAD,
    )
    return with_find(whole, parts.find)
