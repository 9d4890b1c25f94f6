"""Finds people by a part of their name."""

from __future__ import annotations

import asyncio
from concurrent.futures import Executor
from itertools import islice
from typing import NamedTuple

from bridge.contract.clock import Clock
from bridge.web.data.order import in_order
from bridge.web.data.snapshot import Person

SHOWN = 24
"""People on one page; a search finds the others."""
FEW = 1_000
"""So many are looked through at once, and put in order; of more the first in the config come."""
REMEMBERED = 64
"""Searches whose result is remembered."""
FRESH_S = 60.0
"""Who was renamed is found anew after so long at the latest."""


class Found(NamedTuple):
    """Where the people of one search are among all."""

    at_s: float
    among: int
    places: tuple[tuple[int, str], ...]


class Search:
    """Names seldom change while presences do all the time: what was found is remembered."""

    def __init__(self, worker: Executor | None, clock: Clock) -> None:
        self._worker, self._clock = worker, clock
        self._found: dict[str, Found] = {}

    async def find(self, people: tuple[Person, ...], wanted: str) -> tuple[Person, ...]:
        """Those of ``people`` whose name or slug contains ``wanted``, ``SHOWN`` at the most.

        They come as in ``in_order``.
        """
        wanted = wanted.strip().casefold()
        if len(people) <= FEW:
            return in_order(person for person in people if _is_wanted(person, wanted))[:SHOWN]
        if not wanted:
            return in_order(people[:SHOWN])
        found = self._found.get(wanted)
        if found is None or not self._is_current(found, people):
            loop = asyncio.get_running_loop()
            places = await loop.run_in_executor(self._worker, _places, people, wanted)
            if len(self._found) >= REMEMBERED:
                self._found.clear()
            found = self._found[wanted] = Found(self._clock.monotonic(), len(people), places)
        return in_order(people[place] for place, _ in found.places)

    def _is_current(self, found: Found, people: tuple[Person, ...]) -> bool:
        return (
            self._clock.monotonic() - found.at_s < FRESH_S
            and found.among == len(people)
            and all(people[place].account == account for place, account in found.places)
        )


def _is_wanted(person: Person, wanted: str) -> bool:
    return wanted in person.account or wanted in person.name.casefold()


def _places(people: tuple[Person, ...], wanted: str) -> tuple[tuple[int, str], ...]:
    found = (
        (place, person.account) for place, person in enumerate(people) if _is_wanted(person, wanted)
    )
    return tuple(islice(found, SHOWN))
