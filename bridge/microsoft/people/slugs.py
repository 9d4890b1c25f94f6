"""Which slug each person of an account table gets. Pure.

A slug once given stays: topics, entities and lamps depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType

_NOBODY: Mapping[str, str] = MappingProxyType({})
_OTHERS = re.compile(r"[^a-z0-9_-]+")


class Slugs:
    """Gives slugs to the people of one table.

    ``table_`` and the local part of the user principal name, else all of it, else the GUID: the
    first that nobody has, and that no table in ``tables`` could mean.
    """

    def __init__(self, table: str, tables: Collection[str]) -> None:
        self._table, self._tables = table, frozenset(tables)
        self._longer = tuple(f"{other}_" for other in tables if other.startswith(f"{table}_"))

    def give(
        self, people: Sequence[tuple[str | None, str | None]], before: Mapping[str, str] = _NOBODY
    ) -> list[str]:
        """A slug for each GUID and user principal name; those in ``before``, by GUID, stay."""
        slugs: dict[int, str] = {}
        taken: set[str] = set()
        for index, (oid, _) in enumerate(people):
            slug = before.get(oid or "")
            if slug and self._fits(slug, taken):
                slugs[index] = slug
                taken.add(slug)
        for index, (oid, upn) in enumerate(people):
            if index not in slugs:
                slug = next(s for s in self._candidates(oid, upn) if self._fits(s, taken))
                slugs[index] = slug
                taken.add(slug)
        return [slugs[index] for index in range(len(people))]

    def _fits(self, slug: str, taken: Collection[str]) -> bool:
        """Whether nobody else has, or could get, this slug."""
        return slug not in taken and slug not in self._tables and not slug.startswith(self._longer)

    def _candidates(self, oid: str | None, upn: str | None) -> Iterator[str]:
        for text in ((upn or "").partition("@")[0], upn or ""):
            word = _OTHERS.sub("_", text.lower()).strip("_-")
            if word:
                yield f"{self._table}_{word}"
        yield f"{self._table}_{(oid or '').replace('-', '') or _digest(upn or '')}"
        yield f"{self._table}_{_digest(f'{oid} {upn}')}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
