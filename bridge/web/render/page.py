"""The whole page, and its parts that change by themselves. Pure: one snapshot in, HTML out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.web.data.search import SHOWN
from bridge.web.data.snapshot import Person, Snapshot
from bridge.web.data.words import Calendar
from bridge.web.render.forms import form
from bridge.web.render.health import health_section, refusal_section
from bridge.web.render.lights import lights_section
from bridge.web.render.markup import Child, Html, tag
from bridge.web.render.people import people_section, person_card
from bridge.web.render.tables import tables_section
from bridge.web.render.today import today_section

CARDS = 1_000
"""Rendered people that are kept."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The live parts of the page, each under the id of its element."""

    frame: Html
    """The people's section, with an empty element where each card goes."""
    cards: dict[str, Html]
    sections: dict[str, Html]
    """The others; the first one stands before the people."""

    @property
    def people(self) -> Html:
        """The people's section with its cards."""
        filled = str(self.frame)
        for name, card in self.cards.items():
            filled = filled.replace(_place(name), card, 1)
        return Html(filled)

    def since(self, before: Parts | None) -> Iterator[tuple[str, Html]]:
        """What differs from ``before``: ids and their markup, in the order of the page."""
        if before is None or before.frame != self.frame:
            yield "people", self.people
        else:
            yield from _differing(before.cards, self.cards)
        yield from _differing(before.sections if before else {}, self.sections)


class Renderer:
    """Renders snapshots one after the other; an unchanged person is not rendered again."""

    def __init__(self) -> None:
        self._cards: dict[str, tuple[Person, Calendar, Html]] = {}

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
        shown = replace(snapshot, days=days)
        cards = {f"person-{p.account}": self._card(p, calendar) for p in people}
        sections = {
            "refusal": refusal_section(snapshot, calendar),
            "tables": tables_section(snapshot, calendar),
            "today": today_section(shown, calendar),
            "lights": lights_section(snapshot),
            "health": health_section(snapshot.service, calendar),
        }
        return Parts(
            people_section(snapshot, [_place(name) for name in cards], find),
            cards,
            {name: part or tag("section", id=name) for name, part in sections.items()},
        )

    def _card(self, person: Person, calendar: Calendar) -> Html:
        known = self._cards.get(person.account)
        if known and known[0] == person and known[1] == calendar:
            return known[2]
        card = person_card(person, calendar)
        if len(self._cards) >= CARDS:
            self._cards.clear()
        self._cards[person.account] = (person, calendar, card)
        return card


def page(
    parts: Parts, *, release: str, notice: str = "", find: str = "", can_leave: bool = False
) -> str:
    """The page. ``release`` tells the script when another bridge answers; ``notice`` is told once.

    ``can_leave`` shows the button that ends a reader's own session.
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
            tag("p", notice, class_="notice", role="alert") if notice else None,
            first,
            parts.people,
            others,
            data_release=release,
            data_find=find or None,
        ),
        tag("p", id="say", class_="hidden", aria_live="polite"),
    )


def login_page(notice: str = "") -> str:
    """Asks for the password."""
    return document(
        "Presence: password",
        tag(
            "main",
            tag("h1", "Presence"),
            tag("p", notice, class_="notice", role="alert") if notice else None,
            form(
                "enter",
                tag("label", "Password of this page", for_="password"),
                tag(
                    "input",
                    id="password",
                    name="password",
                    type="password",
                    required=True,
                    maxlength=200,
                    autocomplete="current-password",
                    autofocus=True,
                ),
                button="Open",
            ),
            class_="card door",
        ),
    )


def message_page(title: str, text: str) -> str:
    """One sentence, with the way back."""
    return document(
        f"Presence: {title}",
        tag(
            "main",
            tag("h1", title),
            tag("p", text),
            tag("p", tag("a", "To the page", href="./")),
            class_="card door",
        ),
    )


def document(title: str, *body: Child) -> str:
    """A whole document around ``body``. All addresses in it are relative to the page's root."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("link", rel="icon", href="static/icon.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="static/page.css"),
        tag("script", src="static/page.js", defer=True),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}"


def _place(name: str) -> Html:
    """Where a card goes."""
    return tag("article", id=name)


def _differing(before: dict[str, Html], after: dict[str, Html]) -> Iterator[tuple[str, Html]]:
    return ((name, part) for name, part in after.items() if before.get(name) != part)
