"""Whose presence an account table reads, and how."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from bridge.config.tables.config import Config
from bridge.contract.account import SignIn
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.presence import Part, Presence
from bridge.contract.retry import Random
from bridge.microsoft.graph import Graph
from bridge.microsoft.people.bulk import Bulk
from bridge.microsoft.people.directory import Member, Memory, Named, named
from bridge.microsoft.people.members import Members
from bridge.microsoft.people.nested_groups import Group
from bridge.microsoft.people.ownership import Owner, Ownership, Rank


class Me:
    """Who is signed in."""

    calls = 1

    def __init__(self, slug: str, name: str, *, graph: Graph, owner: Owner) -> None:
        self.accounts: Mapping[str, str] = {slug: name}
        self._slug, self._graph, self._owner = slug, graph, owner

    async def read(self, _: Part = lambda _: None) -> Mapping[str, Presence]:
        """The presence now. Raises as ``Graph.my_presence`` does."""
        presence = await self._graph.my_presence()
        self._owner.own([self._graph.my_id] if self._graph.my_id else [])
        return {self._slug: presence}

    async def run(self) -> None:
        """Stay the same until cancelled."""
        await asyncio.Event().wait()

    def release(self) -> None:
        """Own nobody any more."""
        self._owner.own(())


Reader = Me | Bulk
"""Reads the people of one account table."""


class Readers:
    """Makes the readers of all tables, which share who owns whom."""

    def __init__(self, clock: Clock, *, random: Random) -> None:
        self._clock, self._random = clock, random
        self._ownership = Ownership()

    def reader(self, config: Config, slug: str, *, graph: Graph, sign_in: Latest[SignIn]) -> Reader:
        """The reader of ``[accounts.slug]``, with the people who are remembered of it."""
        settings = config.accounts[slug]
        rank = Rank.MEMBER if settings.group else Rank.NAMED if settings.named else Rank.OWN
        owner = Owner(self._ownership, slug, rank, list(config.accounts).index(slug))
        if rank is Rank.OWN:
            return Me(slug, settings.name or slug, graph=graph, owner=owner)
        members = self._members(config, slug, graph=graph, sign_in=sign_in)
        bulk = Bulk(slug, members, graph=graph, owner=owner, clock=self._clock)
        bulk.refresh()
        return bulk

    def _members(
        self, config: Config, slug: str, *, graph: Graph, sign_in: Latest[SignIn]
    ) -> Members:
        settings, find = config.accounts[slug], None
        people: Sequence[Member] | None = None
        whom = str(config.microsoft_of(slug).tenant)
        if settings.group:
            whom = f"{whom} {settings.group}"
            group = Group(slug, str(settings.group), graph=graph, tables=config.accounts)
            find = group.find
        elif settings.user and settings.sign_in == "app":
            upn = settings.user if "@" in settings.user else None
            oid = None if upn else settings.user
            people = (Member(slug, settings.name or slug, oid, upn),)
        else:
            people = named(slug, settings.named, config.accounts)
        members = Members(
            slug,
            find or Named(slug, people or (), graph=graph).find,
            memory=Memory(config.state_dir / "people" / f"{slug}.json", whom),
            sign_in=sign_in,
            clock=self._clock,
            random=self._random,
        )
        members.recall(people)
        return members
