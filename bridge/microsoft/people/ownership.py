"""Who is read through which account table, so that nobody is read twice. Never reads anybody.

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


class Claims:
    """The people of all tables, by GUID."""

    def __init__(self) -> None:
        self._claims: list[Claim] = []
        self.version = 0
        """Grows with each change."""

    def open(self, table: str, rank: Rank, position: int) -> Claim:
        """The claim of one table, which claims nobody yet."""
        return Claim(self, table, (rank, position, table))

    def put(self, claim: Claim, people: Collection[str]) -> None:
        """Let ``claim`` be about ``people``; about nobody it is forgotten."""
        before = claim.people
        claim.people = frozenset(people)
        if claim.people != before:
            self.version += 1
            others = [other for other in self._claims if other is not claim]
            self._claims = [*others, claim] if claim.people else others

    def stronger(self, claim: Claim) -> list[Claim]:
        """The claims that win over ``claim``, the strongest first."""
        before = [other for other in self._claims if other.order < claim.order]
        return sorted(before, key=lambda other: other.order)


class Claim:
    """The people of one table."""

    def __init__(self, claims: Claims, table: str, order: tuple[int, int, str]) -> None:
        self._claims, self.table, self.order = claims, table, order
        self.people: frozenset[str] = frozenset()
        self._told: set[str] = set()

    @property
    def version(self) -> int:
        """Grows when any table claims others."""
        return self._claims.version

    def put(self, people: Collection[str]) -> None:
        """Claim exactly ``people``."""
        self._claims.put(self, people)

    def left_out(self) -> frozenset[str]:
        """The people who are read through another table; told once each time they are others."""
        lost: set[str] = set()
        for other in self._claims.stronger(self):
            shared = (self.people & other.people) - lost
            lost |= shared
            if shared - self._told:
                log.info(
                    "%s: %d of its people are read through %s and left out here",
                    self.table,
                    len(shared),
                    other.table,
                )
        self._told = lost
        return frozenset(lost)
