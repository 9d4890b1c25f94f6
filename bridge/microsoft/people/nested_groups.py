"""The members of a group, and of the groups within it.

Source: Microsoft Graph documentation, "List group transitive members". Without a permission to read
users Graph gives the GUIDs of members and not their names.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bridge.contract.errors import AccessRefusedError, SourceDataError
from bridge.microsoft.graph import Graph
from bridge.microsoft.people.directory import Member
from bridge.microsoft.people.slugs import Slugs
from bridge.microsoft.texts import text_in

log = logging.getLogger(__name__)

MEMBERS_REMEDY = (
    "Add the permission GroupMember.Read.All to the app and let an admin consent "
    "(with User.Read.All people have their names)."
)
PAGE = 999
_USER = "#microsoft.graph.user"
_Names = tuple[str | None, str | None]
"""What a person is called, and their user principal name."""


class Group:
    """One group as an account table follows it."""

    def __init__(self, table: str, group_id: str, *, graph: Graph, tables: Collection[str]) -> None:
        self._table, self._group_id, self._graph = table, group_id, graph
        self._slugs = Slugs(table, tables)

    async def find(self, before: Sequence[Member]) -> tuple[Member, ...]:
        """Everybody who is a member now; the slugs of those in ``before`` stay.

        Raises:
            AccessRefusedError: There is no such group, or the app may not look.
            PresenceBridgeError: As in ``Graph.pages``.
        """
        path = (
            f"/groups/{self._group_id}/transitiveMembers"
            f"?$select=id,displayName,userPrincipalName&$top={PAGE}"
        )
        members: dict[str, _Names] = {}

        def take(values: list[Any]) -> None:
            members.update((oid, _names(value)) for value in values if (oid := _user_id(value)))

        if not await self._graph.pages(path, take, remedy=MEMBERS_REMEDY):
            raise AccessRefusedError(
                f"There is no group {self._group_id} in this tenant.",
                remedy="Copy the Object ID of the group into the config.",
            )
        people = self._people(members, before)
        self._log_changes(people, before)
        return people

    def _people(
        self, members: Mapping[str, _Names], before: Sequence[Member]
    ) -> tuple[Member, ...]:
        slugs_before = {person.oid: person.slug for person in before if person.oid}
        pairs = [(oid, upn) for oid, (_, upn) in members.items()]
        slugs = self._slugs.give(pairs, slugs_before)
        return tuple(
            Member(slug, name or upn or oid, oid, upn)
            for slug, (oid, (name, upn)) in zip(slugs, members.items(), strict=True)
        )

    def _log_changes(self, people: Sequence[Member], before: Sequence[Member]) -> None:
        old, new = ({person.oid for person in some} for some in (before, people))
        if old != new or not before:
            text = "%s: %d members, %d new, %d gone"
            log.info(text, self._table, len(new), len(new - old), len(old - new))


def _user_id(value: Any) -> str | None:
    """The GUID of a member that is a person; groups and devices are none.

    Raises:
        SourceDataError: It is no member at all.
    """
    if not isinstance(value, Mapping) or not isinstance(value.get("id"), str):
        raise SourceDataError("Microsoft Graph sent a member without an id")
    return str(value["id"]).lower() if value.get("@odata.type", _USER) == _USER else None


def _names(value: Mapping[str, Any]) -> _Names:
    upn = text_in(value, "userPrincipalName")
    return text_in(value, "displayName"), upn.lower() if upn else None
