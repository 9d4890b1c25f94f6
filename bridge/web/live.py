"""What all readers are shown: the newest snapshot with its strips, rendered once for all."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TypeVar

from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.web.data.history import PEOPLE, History
from bridge.web.data.order import distinct
from bridge.web.data.page_words import Calendar
from bridge.web.data.search import Search
from bridge.web.data.snapshot import Day, Person, Snapshot
from bridge.web.render.forms import FIND
from bridge.web.render.kiosk import kiosk_parts
from bridge.web.render.page import parts_of
from bridge.web.render.parts import Parts
from bridge.web.render.people import NAME_LIMIT

T = TypeVar("T")

FLOOD, WITHIN_S = 10, 0.3
"""News is shown at once, but in a flood of it no more often than this: then the newest is shown."""
TICK_S = 60.0
"""The strip moves on this often."""
TICKS_A_DAY = 24 * 60
RENDERINGS = 32
"""Searches whose rendering is kept until the next news."""


class Live:
    """The page as it is now.

    ``zone`` is where times are read; ``None`` is the machine's own. ``worker`` does what takes
    long where there are very many people; ``None`` is the loop's own.
    """

    def __init__(
        self,
        view: Latest[Snapshot],
        history: History | None,
        *,
        worker: Executor | None,
        clock: Clock,
        zone: tzinfo | None,
    ) -> None:
        self._view, self._history = view, history
        self._clock, self._zone = clock, zone
        self._worker, self._search = worker, Search(worker, clock)
        self._rendered_at: tuple[int, Calendar] | None = None
        self._rendered: dict[str, tuple[datetime, Parts]] = {}
        self.shown: Latest[Snapshot] = Latest(view.value)

    async def load(self) -> None:
        """Show what the history kept over a restart."""
        if self._history:
            await asyncio.to_thread(self._history.load)
            self._history.tidy()
            self._show(self._view.value, moved=True)

    async def close(self) -> None:
        """Write what of the history is not written yet."""
        if self._history:
            await self._history.close()

    @property
    def calendar(self) -> Calendar:
        """Where and on which day times are read now."""
        return Calendar.at(self._clock.now(), self._zone)

    async def parts_for(self, query: Mapping[str, str]) -> Parts:
        """What is shown now to who asks with ``query``: one person, or those they look for."""
        only, now = only_of(query), self._clock.now()
        if not only:
            return await self.parts(query.get(FIND, "")[:NAME_LIMIT])
        person = self.shown.value.person(only)
        return kiosk_parts(person.at(now) if person else None, only, self.calendar)

    async def parts(self, find: str) -> Parts:
        """What is shown now to those who look for ``find``."""
        now, calendar = self._clock.now(), self.calendar
        snapshot, moment = self.shown.value, (self.shown.version, calendar)
        if moment != self._rendered_at or len(self._rendered) >= RENDERINGS:
            self._rendered_at, self._rendered = moment, {}
        until, parts = self._rendered.get(find, (now, None))
        if parts is None or now >= until:
            found = await self._search.find(snapshot.people, find)
            people = distinct(tuple(person.at(now) for person in found))
            parts = parts_of(snapshot, calendar, people, find)
            if moment == self._rendered_at:  # nothing came while it was searched
                self._rendered[find] = _true_until(people), parts
        return parts

    async def made(self, make: Callable[[Snapshot], T]) -> T:
        """What ``make`` makes of all that is shown; the loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker, make, self.shown.value)

    def week_of(self, person: Person) -> tuple[Day, ...]:
        """The last seven days of ``person``; none where no history is kept."""
        return self._history.week(person, self.calendar) if self._history else ()

    async def follow(self) -> None:
        """Show each newest snapshot, until cancelled."""
        names: list[tuple[str, str]] = []
        shown_s: deque[float] = deque(maxlen=FLOOD)
        async for snapshot in self._view.watch():
            changed = self._history.note(snapshot.people) if self._history else False
            before, names = names, [(p.account, p.name) for p in snapshot.people[:PEOPLE]]
            self._show(snapshot, moved=changed or names != before)
            shown_s.append(self._clock.monotonic())
            if len(shown_s) == FLOOD and (rest_s := shown_s[0] + WITHIN_S - shown_s[-1]) > 0:
                await self._clock.sleep(rest_s)

    async def tick(self) -> None:
        """Move the strips on, until cancelled."""
        while self._history:
            for _ in range(TICKS_A_DAY):
                await self._clock.sleep(TICK_S)
                self._history.beat()
                self._show(self._view.value, moved=True)
            self._history.tidy()

    def _show(self, snapshot: Snapshot, *, moved: bool) -> None:
        """Show ``snapshot``, with the strips drawn anew when something ``moved`` on them."""
        days = self.shown.value.days
        if moved and self._history:
            days = self._history.days(snapshot.people)
        self.shown.set(replace(snapshot, days=days))


def only_of(query: Mapping[str, str]) -> str:
    """The one person that a screen shows, if it is one."""
    return query.get("only", "")[:NAME_LIMIT]


def _true_until(people: Iterable[Person]) -> datetime:
    """When the first presence of ``people`` is too old to show."""
    ends = (person.valid_until for person in people if person.fresh)
    return min((end for end in ends if end), default=datetime.max.replace(tzinfo=UTC))
