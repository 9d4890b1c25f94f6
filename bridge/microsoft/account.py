"""One account table at Microsoft: its sign-in, and the presence of all who are read through it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.contract.account import SignIn
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.microsoft.budget import Budget
from bridge.microsoft.graph import Graph
from bridge.microsoft.people.readers import Reader
from bridge.microsoft.sign_in.app_only import AppSignIn
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.writing import Writer

READ_ONCE_S = 60.0


class MicrosoftAccount:
    """One sign-in, and the presence of all who are read through it."""

    def __init__(
        self,
        slug: str,
        *,
        credentials: PersonSignIn | AppSignIn,
        reader: Reader,
        graph: Graph,
        budget: Budget,
    ) -> None:
        self.slug, self.graph, self._budget = slug, graph, budget
        self.credentials = credentials
        """Signs in and out."""
        self.reader = reader
        """Reads the people of the account table."""
        self.read = reader.read
        """The presences now, by account slug. Raises as the ``Source`` of polling says."""
        self.sign_in: Latest[SignIn] = credentials.sign_in
        """The sign-in as people see it."""
        self.writer: Writer | None = None
        """Sets the person's presence, where the config allows it."""

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account slugs and their names for people; another object when they are others."""
        return self.reader.accounts

    @property
    def calls(self) -> int:
        """Requests that one read needs."""
        return self.reader.calls

    @property
    def throttled_until(self) -> datetime | None:
        """Nothing is sent before this moment."""
        return self._budget.blocked_until

    async def read_once(self) -> Mapping[str, Presence]:
        """As ``read``, where the account does not run; no sign-in is offered."""
        running = asyncio.create_task(self._run(may_offer=False), name=f"once-{self.slug}")
        try:
            async with asyncio.timeout(READ_ONCE_S):
                return await self.read()
        except TimeoutError:
            raise SourceUnavailableError("Microsoft did not answer in time") from None
        finally:
            running.cancel()
            await asyncio.wait({running})

    def let_write(self, writer: Writer | None, scopes: Sequence[str]) -> None:
        """Set presence by ``writer``; ``scopes`` are for the next person who signs in."""
        self.writer = writer
        if isinstance(self.credentials, PersonSignIn):
            self.credentials.use_scopes(scopes)

    async def run(self) -> None:
        """Do sign-ins that are requested or needed, and keep the accounts up to date."""
        await self._run(may_offer=True)

    async def _run(self, *, may_offer: bool) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.reader.run(), name=f"people-{self.slug}")
            await self.credentials.run(may_offer=may_offer)
