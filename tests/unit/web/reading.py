"""Reads markup as a person does: its words, and what a form would send."""

from __future__ import annotations

from html.parser import HTMLParser

from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Snapshot
from bridge.web.render.page import parts_of
from bridge.web.render.parts import Parts

EMPTY = {"circle", "input", "line", "link", "meta", "path", "rect"}


class Reading(HTMLParser):
    """The words of a page, its elements, and whether all of them are closed in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(markup)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    @property
    def words(self) -> str:
        return " ".join("".join(self._texts).split())

    def all(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of each element called ``name``."""
        return [attributes for found, attributes in self.elements if found == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self._open.append(tag)
            self._texts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag
        self._texts.append(" ")

    def handle_data(self, data: str) -> None:
        self._texts.append(data)


def parts_of_all(snapshot: Snapshot, calendar: Calendar) -> Parts:
    """What is shown where nobody is looked for."""
    return parts_of(snapshot, calendar, snapshot.people)
