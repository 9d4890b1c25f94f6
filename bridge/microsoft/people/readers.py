"""Whose presence an account table reads, and how. Never signs in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.config.models import Config
from bridge.contract.account import SignIn
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.microsoft.graph import Graph
from bridge.microsoft.people.bulk import Bulk
from bridge.microsoft.people.directory import Memory, Named, Person, named
from bridge.microsoft.people.group import Group
from bridge.microsoft.people.members import Roll
from bridge.microsoft.people.ownership import Claim, Claims, Rank
from bridge.retry import Random


class Reader(Protocol):
    """The people of one account table."""

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account slugs and their names for people; another object when they are others."""
        ...

    @property
    def calls(self) -> int:
        """Requests that one read needs."""
        ...

    async def read(self) -> Mapping[str, Presence]:
        """The presences now, by account slug."""
        ...

    async def run(self) -> None:
        """Keep the accounts up to date until cancelled."""
        ...

    def release(self) -> None:
        """Leave the people to other tables."""
        ...


class Me:
    """Who is signed in."""

    calls = 1

    def __init__(self, slug: str, name: str, *, graph: Graph, claim: Claim) -> None:
        self.accounts: Mapping[str, str] = {slug: name}
        self._slug, self._graph, self._claim = slug, graph, claim

    async def read(self) -> Mapping[str, Presence]:
        """The presence now. Raises as ``Graph.my_presence`` does."""
        presence = await self._graph.my_presence()
        self._claim.put([self._graph.my_id] if self._graph.my_id else [])
        return {self._slug: presence}

    async def run(self) -> None:
        """Stay the same until cancelled."""
        await asyncio.Event().wait()

    def release(self) -> None:
        """Claim nobody any more."""
        self._claim.put(())


class Readers:
    """Makes the readers of all tables, which share their claims."""

    def __init__(self, clock: Clock, *, random: Random) -> None:
        self._clock, self._random = clock, random
        self._claims = Claims()

    def reader(self, config: Config, slug: str, *, graph: Graph, sign_in: Latest[SignIn]) -> Reader:
        """The reader of ``[accounts.slug]``, with the people who are remembered of it."""
        settings = config.accounts[slug]
        rank = Rank.MEMBER if settings.group else Rank.NAMED if settings.named else Rank.OWN
        claim = self._claims.open(slug, rank, list(config.accounts).index(slug))
        if rank is Rank.OWN:
            return Me(slug, settings.name or slug, graph=graph, claim=claim)
        roll = self._roll(config, slug, graph=graph, sign_in=sign_in)
        bulk = Bulk(slug, roll, graph=graph, claim=claim, clock=self._clock)
        bulk.settle()
        return bulk

    def _roll(self, config: Config, slug: str, *, graph: Graph, sign_in: Latest[SignIn]) -> Roll:
        settings, find = config.accounts[slug], None
        people: Sequence[Person] | None = None
        whom = str(config.microsoft_of(slug).tenant)
        if settings.group:
            whom = f"{whom} {settings.group}"
            group = Group(slug, str(settings.group), graph=graph, tables=config.accounts)
            find = group.find
        elif settings.user:
            upn = settings.user if "@" in settings.user else None
            oid = None if upn else settings.user
            people = (Person(slug, settings.name or slug, oid, upn),)
        else:
            people = named(slug, settings.named, config.accounts)
        roll = Roll(
            slug,
            find or Named(slug, people or (), graph=graph).find,
            memory=Memory(config.state_dir / "people" / f"{slug}.json", whom),
            sign_in=sign_in,
            clock=self._clock,
            random=self._random,
        )
        roll.recall(people)
        return roll
