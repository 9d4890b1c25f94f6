"""The people of an account table, kept up to date by looking them up every hour."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from random import random as _random

from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import (
    PersonMustActError,
    PresenceBridgeError,
    SignInNeededError,
    SignInUnreadableError,
    SourceUnavailableError,
    TryAgainError,
)
from bridge.contract.latest import Latest
from bridge.contract.retry import Random, doubled_s, full_jitter
from bridge.microsoft.people.directory import Member, Memory

log = logging.getLogger(__name__)

EVERY_S = 3600.0
"""Between two looks when all is well."""
MISSING_FIRST_S = 30.0
"""Before the next look for who is unknown to Graph, and may be new; then twice as long."""
RETRY_FIRST_S, RETRY_MOST_S = 5.0, 300.0
UNREACHED_MOST_S = 30.0
"""What never reached Microsoft costs it nothing."""
REFUSED_S = 300.0
"""Wait after a refusal: a person must change something."""

Find = Callable[[Sequence[Member]], Awaitable[tuple[Member, ...]]]
"""Finds everybody, given who was found before."""


class Members:
    """The people of one table: those of before at once, those of now when they are found."""

    def __init__(
        self,
        table: str,
        find: Find,
        *,
        memory: Memory,
        sign_in: Latest[SignIn],
        clock: Clock,
        random: Random = _random,
    ) -> None:
        self._table, self._find, self._memory = table, find, memory
        self._sign_in, self._clock, self._random = sign_in, clock, random
        self._looked = asyncio.Event()
        self._problem: PresenceBridgeError | None = None
        self._failures = self._missed = 0
        self._warned = False
        self.people: tuple[Member, ...] = ()
        """Everybody who was found last; another tuple when they are others."""

    def recall(self, people: Sequence[Member] | None = None) -> None:
        """Begin with ``people``, and with what is remembered of them, or with all remembered."""
        remembered = self._memory.read()
        if people is None:
            self.people = remembered
            return
        found = {person.upn: person for person in remembered if person.upn}
        self.people = tuple(person.as_found(found.get(person.upn or "")) for person in people)

    async def ready(self) -> None:
        """Wait for a look that is about to end when nobody was found before.

        Raises:
            PresenceBridgeError: The last look failed, and nobody was found before.
        """
        if not any(person.oid for person in self.people):
            if self._may_retry:
                self._looked.clear()
            await self._looked.wait()
            if self._problem:
                raise self._problem

    async def run(self) -> None:
        """Look every hour, sooner after a failure or a sign-in, until cancelled."""
        while True:
            rested_s = self._clock.monotonic() + await self._look()
            while not self._may_retry and self._clock.monotonic() < rested_s:
                await self._sign_in.newer(
                    self._sign_in.version,
                    within_s=rested_s - self._clock.monotonic(),
                    clock=self._clock,
                )

    @property
    def _may_retry(self) -> bool:
        """Somebody had to sign in, and has."""
        signed_in = self._sign_in.value.state is SignInState.SIGNED_IN
        return signed_in and isinstance(self._problem, SignInNeededError)

    async def _look(self) -> float:
        """Look once; return the seconds until the next turn."""
        try:
            people = await self._find(self.people)
            if people != self.people:  # remembered before anybody can see a slug
                found = [person for person in people if person.oid]
                await asyncio.to_thread(self._memory.save, found)
                self.people = people
        except PresenceBridgeError as error:
            return self._failed(error)
        finally:
            self._looked.set()
        if self._warned:
            log.info("%s: people can be looked up again", self._table)
        self._problem, self._failures, self._warned = None, 0, False
        if all(person.oid for person in people):
            self._missed = 0
            return EVERY_S
        self._missed += 1
        return doubled_s(self._missed - 1, first_s=MISSING_FIRST_S, most_s=EVERY_S)

    def _failed(self, error: PresenceBridgeError) -> float:
        if not self._warned and any(person.oid for person in self.people):
            self._warned = True  # with nobody found, whoever waits in ``ready`` logs
            log.warning("%s: people cannot be looked up: %s", self._table, error)
        self._problem = error
        if isinstance(error, SignInUnreadableError):
            return error.LOOK_AGAIN_S
        if isinstance(error, PersonMustActError):
            return REFUSED_S
        if isinstance(error, TryAgainError) and error.retry_after_s is not None:
            return error.retry_after_s
        self._failures += 1
        unreached = isinstance(error, SourceUnavailableError) and not error.reached
        most_s = UNREACHED_MOST_S if unreached else RETRY_MOST_S
        return full_jitter(
            self._failures - 1, first_s=RETRY_FIRST_S, most_s=most_s, random=self._random
        )
