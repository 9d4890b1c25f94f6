"""Seven days of presence in six kinds, without any text, in one small file.

The file has one line of JSON a change, ``{"at": …, "account": …, "kind": …}``, and a bare
``{"at": …}`` as a sign of life, so that time in which no bridge ran is unknown and not made up.
"""

from __future__ import annotations

import json
import logging
import os
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from bridge.config.atomic_file import write_private
from bridge.config.state_file import StateFile
from bridge.contract.clock import Clock
from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Day, Person, Span

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
SHOWN = timedelta(hours=24)
ALIVE_EVERY_S = 300.0
PEOPLE = 50
"""Accounts whose history is kept: the strip is for a home, not for an organisation."""


class Change(NamedTuple):
    """From ``at`` on it was ``kind``."""

    at: datetime
    kind: Kind


class History:
    """The changes of each account, oldest first, in memory and in ``file``."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = StateFile(file, write=self._write), clock
        self._changes: dict[str, list[Change]] = {}
        self._unwritten: deque[str | None] = deque()
        """Lines that are to be appended; ``None`` stands for the whole file, to be written anew."""
        self._noted_s = float("-inf")

    def load(self) -> None:
        """Read what was written before a restart; may run on a worker. ``tidy`` drops the old."""
        lines: list[str] = []
        file = self._file.file
        try:
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("%s: %s: the strip starts over", file, error.strerror)
        last: datetime | None = None
        for at, account, kind in _records(lines):
            last = max(at, last or at)
            if account:
                self._changes.setdefault(account, []).append(Change(at, kind))
        for changes in self._changes.values():
            changes.sort(key=lambda change: change.at)
            if last and changes[-1].kind is not Kind.UNKNOWN:
                changes.append(Change(last, Kind.UNKNOWN))

    def note(self, people: Iterable[Person]) -> bool:
        """Remember who changed; whether anybody did."""
        now, noted = self._clock.now(), False
        for person in islice(people, PEOPLE):
            changes, kind = self._changes.get(person.account), person.kind
            if kind is not (changes[-1].kind if changes else Kind.UNKNOWN):
                self._changes.setdefault(person.account, []).append(Change(now, kind))
                self._save(_line(now, person.account, kind))
                noted = True
        return noted

    def beat(self) -> None:
        """Leave a sign of life when nothing was written for a while."""
        if self._clock.monotonic() - self._noted_s >= ALIVE_EVERY_S:
            self._save(_line(self._clock.now()))

    def tidy(self) -> None:
        """Drop what is older than is kept, in memory and on disk."""
        oldest = self._clock.now() - KEPT
        for account, changes in list(self._changes.items()):
            first = max(0, bisect_right(changes, oldest, key=lambda change: change.at) - 1)
            self._changes[account] = changes[first:]
            if changes[-1].kind is Kind.UNKNOWN and changes[-1].at < oldest:
                del self._changes[account]
        self._save(None)

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()

    def days(self, people: Iterable[Person]) -> tuple[Day, ...]:
        """The last 24 hours of each of ``people`` who has a history."""
        now = self._clock.now()
        return tuple(
            Day(p.account, p.name, now - SHOWN, now, tuple(self.spans(p.account, now - SHOWN, now)))
            for p in islice(people, PEOPLE)
            if p.account in self._changes
        )

    def week(self, person: Person, calendar: Calendar) -> tuple[Day, ...]:
        """The last seven calendar days of ``person``, oldest first; of today what has passed."""
        now, account = self._clock.now(), person.account
        return tuple(
            Day(account, person.name, start, end, tuple(self.spans(account, start, min(end, now))))
            for start, end in pairwise(calendar.midnights(KEPT.days))
        )

    def spans(self, account: str, start: datetime, end: datetime) -> Iterator[Span]:
        """``start`` to ``end`` without gaps; what was not read is ``UNKNOWN``."""
        begun, kind = start, Kind.UNKNOWN
        changes = self._changes.get(account, [])
        first = max(0, bisect_right(changes, start, key=lambda change: change.at) - 1)
        newest = {change.at: change.kind for change in changes[first:]}
        for at, then in newest.items():
            if at > begun and then is not kind:
                if at >= end:
                    break
                yield Span(begun, at, kind)
                begun = at
            kind = then
        if begun < end:
            yield Span(begun, end, kind)

    def _save(self, line: str | None) -> None:
        self._noted_s = self._clock.monotonic()
        self._unwritten.append(line)
        self._file.save("")

    def _write(self, file: Path, _: str) -> None:
        """Write what is not written yet, on a thread; what the disk refuses is written anew."""
        lines = [self._unwritten.popleft() for _ in range(len(self._unwritten))]
        try:
            if None in lines:
                write_private(file, "".join(self._whole()))
            else:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                with os.fdopen(os.open(file, flags, 0o600), "a", encoding="utf-8") as opened:
                    opened.writelines(filter(None, lines))
        except OSError:
            self._unwritten.append(None)
            raise

    def _whole(self) -> Iterator[str]:
        """All that the file should contain, and a sign of life."""
        for account, changes in tuple(self._changes.items()):
            yield from (_line(change.at, account, change.kind) for change in tuple(changes))
        yield _line(self._clock.now())


def _line(at: datetime, account: str | None = None, kind: Kind | None = None) -> str:
    """A line of the file: a change, or a sign of life."""
    fields = {"at": at.astimezone(UTC).isoformat(timespec="seconds")}
    if account and kind:
        fields |= {"account": account, "kind": kind}
    return json.dumps(fields) + "\n"


def _records(lines: Iterable[str]) -> Iterator[tuple[datetime, str | None, Kind]]:
    """What can be read; a line that a power cut broke is left out."""
    for line in lines:
        try:
            record = json.loads(line)
            at = datetime.fromisoformat(record["at"])
            account, kind = record.get("account"), Kind(record.get("kind", Kind.UNKNOWN))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        if at.tzinfo and (account is None or isinstance(account, str)):
            yield at, account, kind
