"""Publishes how long each person was in calls and meetings today, and keeps it over restarts.

What is sent grows with what people do: the end of a call at once, a call that goes on every minute,
of people who are read together every five minutes, and everybody when the day changes. Of more than
a thousand people only who was in a call or a meeting is published.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from datetime import date, tzinfo
from pathlib import Path

from bridge.config.atomic_file import write_private
from bridge.config.state_file import StateFile
from bridge.contract.account import AccountFacts
from bridge.contract.clock import sleep_unless
from bridge.contract.wire import Message, encode_json
from bridge.publishing.outgoing import MANY, Outgoing
from bridge.publishing.today.counted_day import (
    Count,
    Day,
    Moment,
    begun,
    local_date,
    moved_on,
    seeing,
)
from bridge.publishing.today.day_file import Counted, encoded, read_days

LOOK_S = 10.0
"""Between two looks for whose turn it is."""
EVERY_S, EVERY_OF_A_TABLE_S = 60.0, 300.0
"""A call that goes on is published so often."""
WRITE_S, WRITE_MANY_S = 30.0, 300.0
"""Between two writes of the file, and where there are many people in it."""


class Minutes:
    """The counts of everybody who is followed, by the days of ``zone``; ``None``: the machine's."""

    def __init__(self, outgoing: Outgoing, file: Path, zone: tzinfo | None) -> None:
        self._outgoing, self._zone = outgoing, zone
        self._file = StateFile(file, write=self._write_file)
        self._stored: dict[str, Counted] = {}
        """What was counted of whom nothing was heard since the start."""
        self._counts: dict[str, Count] = {}
        self._published: dict[str, Count] = {}
        self._running: set[str] = set()
        self._due: dict[str, None] = {}
        self._came = asyncio.Event()
        self._today: date | None = None
        self._unwritten = False
        self._written_s = float("-inf")

    def read(self) -> None:
        """Learn what was counted before the start."""
        self._stored = read_days(self._file.file)

    def follow(self, accounts: Collection[str]) -> None:
        """Have counts of nobody but ``accounts``."""
        self._stored = {slug: s for slug, s in self._stored.items() if slug in accounts}
        for slug in self._counts.keys() - accounts:
            self._forget(slug)
        self._unwritten = True

    def take(self, facts: AccountFacts) -> None:
        """Count up to now; from now on ``facts`` are what is seen."""
        slug, now = facts.account, self._now()
        before = self._counts.get(slug)
        if before is None:
            stored = self._stored.pop(slug, None)
            before = begun(now, self._zone, stored)
            if self._is_worth_it(slug, stored[0] if stored else None):
                self._due[slug] = None
        count = seeing(moved_on(before, now, self._zone), facts)
        self._counts[slug] = count
        if count.runs:
            self._running.add(slug)
        else:
            self._running.discard(slug)
        if before.doing is not count.doing and (before.runs or not self._is_of_a_table(slug)):
            self._due[slug] = None
        if slug in self._due:
            self._came.set()

    def of(self, slug: str) -> Iterator[Message]:
        """What was published last about an account."""
        if count := self._published.get(slug):
            yield self._message(slug, count)

    async def run(self) -> None:
        """Publish and write what is due until cancelled."""
        try:
            while True:
                await sleep_unless(self._came, LOOK_S, self._outgoing.clock)
                self._came.clear()
                self._look()
                await self._publish_due()
                every_s = WRITE_MANY_S if len(self._counts) > MANY else WRITE_S
                if self._unwritten and self._now().monotonic_s - self._written_s >= every_s:
                    self._write()
        finally:
            for slug, count in self._counts.items():
                self._counts[slug] = moved_on(count, self._now(), self._zone)
            self._write()

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()

    def _look(self) -> None:
        """See whose turn it is: everybody on a new day, else who is in a call for long enough."""
        now = self._now()
        today = local_date(now.wall, self._zone)
        if today != self._today:
            self._today = today
            days = ((slug, count.day) for slug, count in self._published.items())
            self._due |= dict.fromkeys(s for s, day in days if self._is_worth_it(s, day))
        for slug in self._running:
            every_s = EVERY_OF_A_TABLE_S if self._is_of_a_table(slug) else EVERY_S
            published = self._published.get(slug)
            if not published or now.monotonic_s - published.at.monotonic_s >= every_s:
                self._due[slug] = None

    async def _publish_due(self) -> None:
        while self._due:
            await self._outgoing.broker.room()
            slug = next(iter(self._due), None)
            if slug is None:
                return
            del self._due[slug]
            if count := self._counts.get(slug):
                count = self._counts[slug] = moved_on(count, self._now(), self._zone)
                self._published[slug] = count
                self._outgoing.send(self._message(slug, count))
                self._unwritten = True

    def _write(self) -> None:
        self._unwritten, self._written_s = False, self._now().monotonic_s
        self._file.save("")

    def _write_file(self, file: Path, _: str) -> None:
        """Write all that is to be remembered; in a thread, so of a copy."""
        counted = {slug: (each.day, each.at.wall) for slug, each in self._counts.copy().items()}
        write_private(file, encoded(self._stored | counted))

    def _forget(self, slug: str) -> None:
        for table in (self._counts, self._published, self._due):
            table.pop(slug, None)
        self._running.discard(slug)

    def _is_worth_it(self, slug: str, before: Day | None) -> bool:
        """Whether a day begins with a message; of many people only for who has to begin at 0."""
        is_one_of_many = len(self._outgoing.followed) > MANY and self._is_of_a_table(slug)
        return not is_one_of_many or (
            before is not None and bool(before.calls_s or before.meetings_s)
        )

    def _is_of_a_table(self, slug: str) -> bool:
        followed = self._outgoing.followed.get(slug)
        return followed is not None and followed.table is not None

    def _now(self) -> Moment:
        clock = self._outgoing.clock
        return Moment(clock.now(), clock.monotonic())

    def _message(self, slug: str, count: Count) -> Message:
        day = count.day
        payload = {
            "date": day.date.isoformat(),
            "calls_s": int(day.calls_s),
            "meetings_s": int(day.meetings_s),
            "unseen_s": int(day.unseen_s),
            "since": day.since,
            "counted_until": count.at.wall,
        }
        return Message(self._outgoing.topics.account(slug, "today"), encode_json(payload))
