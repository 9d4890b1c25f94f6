"""The whole page, and its parts that change by themselves: one snapshot in, HTML out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import Day, Person, Snapshot
from bridge.web.data.words import Calendar
from bridge.web.render.document import document, notice
from bridge.web.render.forms import form
from bridge.web.render.health import health_section, refusal_section
from bridge.web.render.lights import lights_section
from bridge.web.render.markup import tag
from bridge.web.render.people import people_section, person_card
from bridge.web.render.tables import tables_section
from bridge.web.render.today import today_section

CARDS = 1_000
"""Rendered people that are remembered."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The live parts of the page, each under the id of its element."""

    frame: Markup
    """The people's section, with an empty element where each card goes."""
    cards: dict[str, Markup]
    sections: dict[str, Markup]
    """The others; the first one comes before the people."""

    @property
    def people(self) -> Markup:
        """The people's section with its cards."""
        filled = str(self.frame)
        for name, card in self.cards.items():
            filled = filled.replace(_place(name), card, 1)
        return Markup(filled)  # noqa: S704 - cards in a frame

    def since(self, before: Parts | None) -> Iterator[tuple[str, Markup]]:
        """What differs from ``before``: ids and their markup, in the order of the page."""
        if before is None or before.frame != self.frame:
            yield "people", self.people
        else:
            yield from _differing(before.cards, self.cards)
        yield from _differing(before.sections if before else {}, self.sections)


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
        slugs = {person.account for person in people}
        days = tuple(day for day in snapshot.days if day.account in slugs)
        cards = {f"person-{p.account}": self._card(p, calendar) for p in people}
        sections = {
            "refusal": refusal_section(snapshot, calendar),
            "tables": tables_section(snapshot, calendar),
            "today": self._strips(days, calendar),
            "lights": lights_section(snapshot, calendar),
            "health": health_section(snapshot.service, calendar),
        }
        return Parts(
            people_section(snapshot, [_place(name) for name in cards], find),
            cards,
            {name: part or tag("section", id=name) for name, part in sections.items()},
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
    parts: Parts, *, release: str, refusal: str = "", find: str = "", can_leave: bool = False
) -> str:
    """The page. ``release`` lets the script notice when another bridge answers.

    ``refusal`` is what a form was refused for; ``can_leave`` shows the button that ends a session.
    """
    first, *others = parts.sections.values()
    return document(
        "Presence",
        tag("a", "Skip to people", href="#people", class_="skip"),
        tag(
            "header",
            tag("h1", "Presence"),
            tag("p", "Not live: reload to see news", id="live", class_="fine", role="status"),
            form("leave", button="Lock this page", css="quiet") if can_leave else None,
        ),
        tag(
            "main",
            notice(refusal),
            first,
            parts.people,
            others,
            data_release=release,
            data_find=find or None,
        ),
        tag("p", id="say", class_="hidden", aria_live="polite"),
    )


def _place(name: str) -> Markup:
    """Where a card goes."""
    return tag("article", id=name)


def _differing(before: dict[str, Markup], after: dict[str, Markup]) -> Iterator[tuple[str, Markup]]:
    return ((name, part) for name, part in after.items() if before.get(name) != part)
