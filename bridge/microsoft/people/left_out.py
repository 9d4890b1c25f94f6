"""Who is left out of reads for a while, since Graph refuses to show them; each time longer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from math import inf
from typing import NamedTuple

from bridge.contract.retry import doubled_s

log = logging.getLogger(__name__)

FIRST_S, MOST_S = 60.0, 3600.0


class Refused(NamedTuple):
    """An id that Graph refused."""

    times: int
    """In a row."""
    until_s: float
    """Left out until then."""


class LeftOut:
    """The people of one account table, by id; ``now_s`` is the monotonic time."""

    def __init__(self, table: str, now_s: Callable[[], float]) -> None:
        self._table, self._now_s = table, now_s
        self._refused: dict[str, Refused] = {}
        self._next_s = inf

    def __bool__(self) -> bool:
        """Whether anybody was refused and not seen since."""
        return bool(self._refused)

    @property
    def is_over_for_some(self) -> bool:
        """Whether somebody is to be read once more."""
        return self._now_s() >= self._next_s

    def refuse(self, oid: str) -> None:
        """Leave ``oid`` out from now on."""
        times = self._refused[oid].times + 1 if oid in self._refused else 1
        wait_s = doubled_s(times - 1, first_s=FIRST_S, most_s=MOST_S)
        self._refused[oid] = Refused(times, self._now_s() + wait_s)
        if times == 1:
            log.warning("%s: Microsoft Graph refuses to show the presence of %s", self._table, oid)

    def shown(self, oid: str) -> None:
        """Graph shows ``oid``."""
        self._refused.pop(oid, None)

    def readable(self, oids: Collection[str]) -> list[str]:
        """Who of ``oids``, which are all of the table, is read now."""
        now_s = self._now_s()
        self._refused = {oid: each for oid, each in self._refused.items() if oid in oids}
        out = {oid: each for oid, each in self._refused.items() if each.until_s > now_s}
        self._next_s = min((each.until_s for each in out.values()), default=inf)
        return [oid for oid in oids if oid not in out]
