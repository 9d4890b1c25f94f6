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
    """The people of all tables, by GUID."""

    def __init__(self) -> None:
        self._owners: list[Owner] = []
        self.version = 0
        """Grows with each change."""

    def owner(self, table: str, rank: Rank, position: int) -> Owner:
        """A table that owns nobody yet."""
        return Owner(self, table, (rank, position, table))

    def changed(self, owner: Owner) -> None:
        """``owner`` has other people now; with nobody it is forgotten."""
        self.version += 1
        others = [other for other in self._owners if other is not owner]
        self._owners = [*others, owner] if owner.people else others

    def stronger(self, owner: Owner) -> list[Owner]:
        """Those who win over ``owner``, the strongest first."""
        before = [other for other in self._owners if other.order < owner.order]
        return sorted(before, key=lambda other: other.order)


class Owner:
    """One table and the people that it is about."""

    def __init__(self, ownership: Ownership, table: str, order: tuple[int, int, str]) -> None:
        self._ownership, self.table, self.order = ownership, table, order
        self.people: frozenset[str] = frozenset()
        self._logged: set[str] = set()

    @property
    def version(self) -> int:
        """Grows when any table owns others."""
        return self._ownership.version

    def own(self, people: Collection[str]) -> None:
        """Be about exactly ``people``."""
        before, self.people = self.people, frozenset(people)
        if self.people != before:
            self._ownership.changed(self)

    def left_out(self) -> frozenset[str]:
        """The people who are read through another table; logged each time they are others."""
        lost: set[str] = set()
        for other in self._ownership.stronger(self):
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
