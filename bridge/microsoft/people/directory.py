"""The people of an account table: who a user principal name is, and who was found before."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from bridge.config.atomic_file import write_private
from bridge.contract.errors import AccessRefusedError, SourceDataError
from bridge.microsoft.graph import Graph
from bridge.microsoft.people.slugs import Slugs
from bridge.microsoft.texts import NAME_BYTES, plain, text_in

log = logging.getLogger(__name__)

USERS_REMEDY = (
    "Add the permission User.Read.All to the app and let an admin consent (for a person who signs "
    "in: User.ReadBasic.All), or name people by GUID."
)


class Member(NamedTuple):
    """One of the people of an account table. At least one of ``oid`` and ``upn`` is known."""

    slug: str
    name: str
    oid: str | None = None
    """Their GUID; unknown until a user principal name was looked up."""
    upn: str | None = None

    def as_found(self, found: Member | None) -> Member:
        """With what was ``found`` of the same person; a name of the config stays."""
        if found is None:
            return self
        is_named = self.name not in (self.slug, self.upn)
        return self._replace(oid=self.oid or found.oid, name=self.name if is_named else found.name)


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
        self._found: dict[str, Member] = {}
        self._logged: set[str] = set()

    async def find(self, before: Sequence[Member]) -> tuple[Member, ...]:
        """Everybody, with the GUID of those who could be found.

        Raises:
            AccessRefusedError: Nobody has that name, or names cannot be looked up; and without
                them nobody is left.
            PresenceBridgeError: As in ``Graph.read``.
        """
        self._found |= {person.upn: person for person in before if person.upn and person.oid}
        found: list[Member] = []
        refused: AccessRefusedError | None = None
        for person in self._people:
            known = self._found.get(person.upn or "")
            if not (person.oid or known or refused):
                try:
                    known = await self._look_up(person, str(person.upn))
                except AccessRefusedError as error:
                    refused = error
            found.append(person.as_found(known))
        if not any(person.oid for person in found):
            names = ", ".join(person.upn for person in self._people if person.upn)
            raise refused or AccessRefusedError(
                f"Nobody in the tenant is called {names}.", remedy="Check the name."
            )
        if refused:
            self._log_once(str(refused))
        return tuple(found)

    async def _look_up(self, person: Member, upn: str) -> Member | None:
        answer = await self._graph.read(
            f"/users/{quote(upn, safe='@')}?$select=id,displayName", remedy=USERS_REMEDY
        )
        if answer is None:
            if len(self._people) > 1:
                self._log_once(f"nobody in the tenant is called {upn}: check the name")
            return None
        oid = answer.get("id") if isinstance(answer, Mapping) else None
        if not isinstance(oid, str) or not oid:
            raise SourceDataError("Microsoft Graph's answer is not a person")
        name = text_in(answer, "displayName") or person.name
        self._found[upn] = person._replace(oid=oid.lower(), name=name)
        return self._found[upn]

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
