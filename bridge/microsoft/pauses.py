"""The pauses that Microsoft asked for, remembered over a restart."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from bridge.config.state_file import StateFile
from bridge.contract.clock import Clock
from bridge.contract.retry import RETRY_AFTER_MOST_S


class Pauses:
    """The pauses that Microsoft asked for, by app and tenant, in ``file``.

    By the wall clock, since no other one goes on through a restart. A clock that was set, or an
    edited file, must not silence the bridge: a pause is never longer than it was asked for, and
    more than an hour ahead counts as garbage.
    """

    def __init__(self, file: Path, clock: Clock) -> None:
        self._file, self._clock = StateFile(file), clock
        self._spans: dict[str, tuple[datetime, datetime]] | None = None
        """When each pause was asked for, and when it ends."""

    def end_of(self, key: str) -> datetime | None:
        """The end of the pause of ``key``, when it is yet to come."""
        _, until = self._known().get(key, (None, None))
        return until

    def save(self, key: str, until: datetime) -> None:
        """Remember the end of a pause; a disk that refuses costs only the memory over a restart."""
        self._spans = self._known() | {key: (self._clock.now(), until)}
        texts = {key: [moment.isoformat() for moment in span] for key, span in self._spans.items()}
        self._file.save(json.dumps(texts, sort_keys=True))

    async def close(self) -> None:
        """Wait, not for long, until it is written."""
        await self._file.close()

    def _known(self) -> dict[str, tuple[datetime, datetime]]:
        if self._spans is None:
            self._spans = self._read()
        now = self._clock.now()
        most = now + timedelta(seconds=RETRY_AFTER_MOST_S)
        spans = {key: _by_the_clock(span, now) for key, span in self._spans.items()}
        return {key: span for key, span in spans.items() if now < span[1] <= most}

    def _read(self) -> dict[str, tuple[datetime, datetime]]:
        try:
            texts = json.loads(self._file.file.read_text(encoding="utf-8"))
            return {key: _span(entry) for key, entry in texts.items()}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
            return {}


def _span(entry: object) -> tuple[datetime, datetime]:
    """An entry of the file; the last release wrote the end alone. Raises ``ValueError``."""
    texts = [entry] if isinstance(entry, str) else list(entry) if isinstance(entry, list) else []
    moments = [datetime.fromisoformat(text) for text in texts]
    if not moments or not all(moment.tzinfo for moment in moments):
        raise ValueError(entry)
    until = moments[-1]
    asked_at = moments[0] if len(moments) > 1 else until - timedelta(seconds=RETRY_AFTER_MOST_S)
    return asked_at, until


def _by_the_clock(span: tuple[datetime, datetime], now: datetime) -> tuple[datetime, datetime]:
    """The span as it is when the clock was set back since: it lasts no longer for that."""
    asked_at, until = span
    return (now, now + (until - asked_at)) if now < asked_at else span
