"""The parts of a page that change by themselves, and what a reader lacks of them. Pure.

Each part has a version, a checksum of its markup: a page says which it has, so that a stream begins
with what differs, after a gap, from another process, or after a restart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from markupsafe import Markup

from bridge.web.data.snapshot import CARD

PEOPLE = "people"
CARDS_SLOT = Markup("<cards>")
"""Where the cards go in the frame. No escaped text can look like it."""
HAVE_LIMIT = 64
"""Parts that a page can have; more is no page of ours."""


@dataclass(frozen=True, eq=False)
class Parts:
    """The live parts of a page, each under the id of its element."""

    frame: Markup
    """The people's section with a slot for its cards; empty where a page has none."""
    cards: Mapping[str, Markup]
    """In the order in which they are shown."""
    sections: Mapping[str, Markup]
    """The others; the first one comes before the people."""
    find: str = field(default="", kw_only=True)
    """What is looked for; each form keeps it."""

    @property
    def people(self) -> Markup:
        """The people's section with its cards."""
        return self.frame.replace(CARDS_SLOT, Markup().join(self.cards.values()))

    @cached_property
    def versions(self) -> Mapping[str, str]:
        """The version of each part; of the people's section that of its frame."""
        parts = {PEOPLE: self.frame} if self.frame else {}
        parts |= {**self.cards, **self.sections}
        raw = {name: part.encode(errors="replace") for name, part in parts.items()}
        return {name: hashlib.blake2b(it, digest_size=5).hexdigest() for name, it in raw.items()}

    def since(self, have: Mapping[str, str]) -> Iterator[tuple[str, Markup]]:
        """What differs from the versions ``have``: ids and markup, in the order of the page."""
        whole = self.frame and (
            have.get(PEOPLE) != self.versions[PEOPLE] or set(_cards_of(have)) != set(self.cards)
        )
        if whole:
            yield PEOPLE, self.people
        others = self.sections if whole else {**self.cards, **self.sections}
        for name, part in others.items():
            if have.get(name) != self.versions[name]:
                yield name, part

    def under(self, name: str) -> Mapping[str, str]:
        """The versions that come with the part ``name``; with the people's section all cards'."""
        names = [PEOPLE, *self.cards] if name == PEOPLE else [name]
        return {each: self.versions[each] for each in names}

    def order_since(self, have: Mapping[str, str]) -> list[str]:
        """The ids of the cards, where those of ``have`` are the same and stand otherwise."""
        before, after = _cards_of(have), list(self.cards)
        return after if before != after and set(before) == set(after) else []


def have_of(text: str) -> dict[str, str]:
    """The versions that a page says it has, as ``have_text`` wrote them; none for anything else."""
    pairs = [part.partition(":") for part in text.split(" ")[: HAVE_LIMIT + 1]]
    return {name: version for name, _, version in pairs} if len(pairs) <= HAVE_LIMIT else {}


def have_text(versions: Mapping[str, str]) -> str:
    """``versions`` as a page keeps them."""
    return " ".join(f"{name}:{version}" for name, version in versions.items())


def _cards_of(have: Mapping[str, str]) -> list[str]:
    return [name for name in have if name.startswith(CARD)]
