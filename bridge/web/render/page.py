"""The whole page, and its parts that change by themselves: one snapshot in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from markupsafe import Markup

from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import Day, Person, Snapshot
from bridge.web.data.words import Calendar
from bridge.web.render.document import document
from bridge.web.render.forms import form, with_find
from bridge.web.render.health import health_section, refusal_section
from bridge.web.render.lights import lights_section
from bridge.web.render.markup import join, tag
from bridge.web.render.parts import CARDS_SLOT, Parts, have_text
from bridge.web.render.people import people_section, person_card
from bridge.web.render.tables import tables_section
from bridge.web.render.today import today_section

CARDS = 1_000
"""Rendered people that are remembered."""
HEAD = (
    tag("link", rel="manifest", href="manifest.webmanifest", crossorigin="use-credentials"),
    tag("meta", name="theme-color", content="#f4f5f7", media="(prefers-color-scheme: light)"),
    tag("meta", name="theme-color", content="#14171b", media="(prefers-color-scheme: dark)"),
    tag("link", rel="apple-touch-icon", href="static/icon-192.png"),
)


class Renderer:
    """Renders snapshots one after the other; an unchanged person or strip is not rendered again."""

    def __init__(self) -> None:
        self._cards: dict[str, tuple[Person, Calendar, Markup]] = {}
        self._today: tuple[tuple[Day, ...], Calendar, Markup | None] | None = None

    def parts(
        self,
        snapshot: Snapshot,
        calendar: Calendar,
        people: tuple[Person, ...] | None = None,
        find: str = "",
    ) -> Parts:
        """The live parts with ``people`` of the snapshot, for those who look for ``find``."""
        people = snapshot.people[:SHOWN] if people is None else people
        names = {person.account: person.name for person in people}
        days = tuple(_named(day, names) for day in snapshot.days if day.account in names)
        sections = {
            "refusal": refusal_section(snapshot, calendar),
            "tables": tables_section(snapshot, calendar),
            "today": self._strips(days, calendar),
            "lights": lights_section(snapshot, calendar),
            "health": health_section(snapshot, calendar),
        }
        return Parts(
            people_section(snapshot, CARDS_SLOT if people else None, find),
            {person.card: self._card(person, calendar) for person in people},
            {name: part or tag("section", id=name) for name, part in sections.items()},
            find=find,
        )

    def _strips(self, days: tuple[Day, ...], calendar: Calendar) -> Markup | None:
        if self._today is None or self._today[:2] != (days, calendar):
            self._today = days, calendar, today_section(days, calendar)
        return self._today[2]

    def _card(self, person: Person, calendar: Calendar) -> Markup:
        rendered = self._cards.get(person.account)
        if rendered and rendered[:2] == (person, calendar):
            return rendered[2]
        card = person_card(person, calendar)
        if len(self._cards) >= CARDS:
            self._cards.clear()
        self._cards[person.account] = (person, calendar, card)
        return card


def page(
    parts: Parts,
    *,
    release: str,
    as_of: Markup | None = None,
    refusal: str = "",
    can_leave: bool = False,
) -> str:
    """The page. ``release`` lets the script notice when another bridge answers.

    ``as_of`` is the bridge's time now, by which the script sets its clock; ``refusal`` is what a
    form was refused for; ``can_leave`` shows the button that ends a session.
    """
    first, *others = parts.sections.values()
    live = join("As of ", as_of, ", not live: ") if as_of else "Not live: "
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


def _named(day: Day, names: Mapping[str, str]) -> Day:
    """``day`` under the name that its card has."""
    name = names[day.account]
    return day if day.name == name else replace(day, name=name)
