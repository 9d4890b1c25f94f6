"""The people of an account table: their slugs, and who a user principal name is.

A slug once given stays: topics, entities and lamps hang on it.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from bridge.config.atomic_file import write_private
from bridge.contract.errors import AccessRefusedError, SourceDataError
from bridge.microsoft.graph import Graph
from bridge.microsoft.texts import NAME_BYTES, plain

log = logging.getLogger(__name__)

USERS_REMEDY = (
    "Add the permission User.Read.All to the app and let an admin consent (for a person who signs "
    "in: User.ReadBasic.All), or name people by GUID."
)
_NOBODY: Mapping[str, str] = MappingProxyType({})
_OTHERS = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Member:
    """One of the people of an account table. At least one of ``oid`` and ``upn`` is known."""

    slug: str
    name: str
    oid: str | None = None
    """Their GUID; unknown until a user principal name was looked up."""
    upn: str | None = None


class Slugs:
    """Gives slugs to the people of one table; pure.

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


class Memory:
    """Who was found before, in ``file``; valid only for the same ``whom`` (tenant, group)."""

    def __init__(self, file: Path, whom: str) -> None:
        self._file, self._whom = file, whom

    def read(self) -> tuple[Member, ...]:
        """Those who were found; nobody when the file is missing, broken or about others."""
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
            if stored["whom"] != self._whom:
                return ()
            return tuple(_stored_member(entry) for entry in stored["people"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            log.warning("%s cannot be read: people are looked up again", self._file)
            return ()

    def save(self, people: Sequence[Member]) -> None:
        """Remember ``people``; a disk that refuses costs only the memory of them."""
        entries = [[person.slug, person.name, person.oid, person.upn] for person in people]
        try:
            write_private(self._file, json.dumps({"whom": self._whom, "people": entries}))
        except OSError as error:
            log.warning("%s cannot be written: %s", self._file, error.strerror)


class Named:
    """People whom the config names; each user principal name is looked up once."""

    def __init__(self, table: str, people: Sequence[Member], *, graph: Graph) -> None:
        self._table, self._people, self._graph = table, tuple(people), graph
        self._found: dict[str, str] = {}
        self._logged: set[str] = set()

    async def find(self, before: Sequence[Member]) -> tuple[Member, ...]:
        """Everybody, with the GUID of those who could be found.

        Raises:
            AccessRefusedError: Nobody has that name, or names cannot be looked up; and without
                them nobody is left.
            PresenceBridgeError: As in ``Graph.read``.
        """
        self._found |= {person.upn: person.oid for person in before if person.upn and person.oid}
        found: list[Member] = []
        refused: AccessRefusedError | None = None
        for person in self._people:
            oid = person.oid or self._found.get(person.upn or "")
            if oid is None and person.upn and not refused:
                try:
                    oid = await self._look_up(person.upn)
                except AccessRefusedError as error:
                    refused = error
            found.append(replace(person, oid=oid))
        if not any(person.oid for person in found):
            names = ", ".join(person.upn for person in self._people if person.upn)
            raise refused or AccessRefusedError(
                f"Nobody in the tenant is called {names}.", remedy="Check the name."
            )
        if refused:
            self._log_once(str(refused))
        return tuple(found)

    async def _look_up(self, upn: str) -> str | None:
        answer = await self._graph.read(
            f"/users/{quote(upn, safe='@')}?$select=id", remedy=USERS_REMEDY
        )
        if answer is None:
            if len(self._people) > 1:
                self._log_once(f"nobody in the tenant is called {upn}: check the name")
            return None
        oid = answer.get("id") if isinstance(answer, Mapping) else None
        if not isinstance(oid, str) or not oid:
            raise SourceDataError("Microsoft Graph answered something that is no person")
        self._found[upn] = oid.lower()
        return oid.lower()

    def _log_once(self, text: str) -> None:
        if text not in self._logged:
            self._logged.add(text)
            log.error("%s: %s", self._table, text)


def named(table: str, whom: Sequence[str], tables: Collection[str]) -> tuple[Member, ...]:
    """The people that a table names, each a GUID or a user principal name. Pure."""
    pairs = [(None, text) if "@" in text else (text, None) for text in whom]
    slugs = Slugs(table, tables).give(pairs)
    return tuple(
        Member(slug, upn or str(oid), oid, upn)
        for slug, (oid, upn) in zip(slugs, pairs, strict=True)
    )


def _stored_member(entry: Any) -> Member:
    slug, name, oid, upn = entry
    if not all(isinstance(text, str) for text in (slug, name, oid)):
        raise TypeError("no person")
    return Member(slug, plain(name, NAME_BYTES), oid, upn if isinstance(upn, str) else None)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32]
