"""Which account table reads a person whom several name, so that nobody is read twice.

A person's own sign-in wins, then a table that names them, then a group; among equals the table that
stands first in the config.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from enum import IntEnum

log = logging.getLogger(__name__)


class Rank(IntEnum):
    """How strongly a table is about a person; the smallest wins."""

    OWN = 0
    NAMED = 1
    MEMBER = 2


class Ownership:
    """All tables that own somebody."""

    def __init__(self) -> None:
        self.owners: list[Owner] = []
        self.version = 0
        """Grows when any table owns others."""


class Owner:
    """One table and the people that it is about, by GUID; nobody yet."""

    def __init__(self, ownership: Ownership, table: str, rank: Rank, position: int) -> None:
        self.ownership, self.table, self.order = ownership, table, (rank, position, table)
        self.people: frozenset[str] = frozenset()
        self._logged: set[str] = set()

    def own(self, people: Collection[str]) -> None:
        """Be about exactly ``people``; with nobody it is forgotten."""
        before, self.people = self.people, frozenset(people)
        if self.people != before:
            self.ownership.version += 1
            others = [other for other in self.ownership.owners if other is not self]
            self.ownership.owners = [*others, self] if self.people else others

    def left_out(self) -> frozenset[str]:
        """The people who are read through another table; logged each time they are others."""
        lost: set[str] = set()
        stronger = [other for other in self.ownership.owners if other.order < self.order]
        for other in sorted(stronger, key=lambda other: other.order):
            shared = (self.people & other.people) - lost
            lost |= shared
            if shared - self._logged:
                log.info(
                    "%s: %d of its people are read through %s and left out here",
                    self.table,
                    len(shared),
                    other.table,
                )
        self._logged = lost
        return frozenset(lost)
