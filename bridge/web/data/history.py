"""Seven days of presence in six kinds, without any text, in one small file.

The file has one line of JSON a change, ``{"at": …, "account": …, "kind": …}``, and a bare
``{"at": …}`` as a sign of life, so that time in which no bridge ran is unknown and not made up.
"""

from __future__ import annotations

import json
import logging
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from bridge.contract.clock import Clock
from bridge.contract.presence_kind import Kind
from bridge.web.data.journal import Journal
from bridge.web.data.snapshot import Day, Person, Span
from bridge.web.data.words import Calendar

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


Record = tuple[datetime, str | None, Kind | None]
"""A line of the file: a change, or a sign of life."""


class History:
    """The changes of each account, oldest first, in memory and in ``file``."""

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = file, clock
        self._changes: dict[str, list[Change]] = {}
        self._written_s = float("-inf")
        self.journal = Journal(file, line=_line, whole=self._whole, clock=clock)
        """Writes what is noted; nobody else waits for the disk."""

    def load(self) -> None:
        """Read what was written before a restart; may run on a worker. ``tidy`` drops the old."""
        lines: list[str] = []
        try:
            lines = self._file.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("%s: %s: the strip starts over", self._file, error.strerror)
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
            kind = person.kind
            changes = self._changes.get(person.account)
            if changes is None:
                if kind is Kind.UNKNOWN:
                    continue
                changes = self._changes[person.account] = []
            if not changes or changes[-1].kind is not kind:
                changes.append(Change(now, kind))
                self._append(now, person.account, kind)
                noted = True
        return noted

    def beat(self) -> None:
        """Leave a sign of life when nothing was written for a while."""
        if self._clock.monotonic() - self._written_s >= ALIVE_EVERY_S:
            self._append(self._clock.now())

    def tidy(self) -> None:
        """Drop what is older than is kept, in memory and on disk."""
        now = self._clock.now()
        oldest = now - KEPT
        for account, changes in list(self._changes.items()):
            first = max(0, bisect_right(changes, oldest, key=lambda change: change.at) - 1)
            self._changes[account] = changes[first:]
            if changes[-1].kind is Kind.UNKNOWN and changes[-1].at < oldest:
                del self._changes[account]
        self.journal.write_anew()

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

    def _append(self, at: datetime, account: str | None = None, kind: Kind | None = None) -> None:
        self._written_s = self._clock.monotonic()
        self.journal.add((at, account, kind))

    def _whole(self) -> list[Record]:
        """All that the file should contain, and a sign of life."""
        records: list[Record] = [
            (change.at, account, change.kind)
            for account, changes in self._changes.items()
            for change in changes
        ]
        return [*records, (self._clock.now(), None, None)]


def _line(record: Record) -> str:
    at, account, kind = record
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
