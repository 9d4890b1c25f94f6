"""Which Microsoft account is signed in for which account table, so that one in two can be seen.

As a rule it is a mistake: a browser that was signed in as Bob has signed Bob in for Alice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

NAMED_MOST = 5
"""Other seats that are named to each."""


@dataclass(eq=False, slots=True)
class Seat:
    """The place of one table; ``changed`` is called when others sit with who sits here."""

    name: str
    changed: Callable[[], None]
    account: str | None = None
    """Who sits here, by ``Identity.home_id``."""


class SameAccount:
    """The tables that follow who signs in, by who sits there."""

    def __init__(self) -> None:
        self._seats: defaultdict[str | None, list[Seat]] = defaultdict(list)
        self._logged: set[str] = set()

    def take(self, seat: Seat, account: str | None) -> tuple[str, ...]:
        """Let ``account`` sit on ``seat``, or nobody; the names of the other seats that it has."""
        if account != seat.account:
            self._move(seat, account)
        return tuple(sorted(other.name for other in self._others(seat))[:NAMED_MOST])

    def _move(self, seat: Seat, account: str | None) -> None:
        concerned = self._others(seat)
        if seat.account:
            self._seats[seat.account].remove(seat)
        seat.account = account
        if account:
            concerned += self._others(seat)
            self._seats[account].append(seat)
            self._warn(account)
        for other in concerned:
            other.changed()

    def _others(self, seat: Seat) -> list[Seat]:
        return [other for other in self._seats.get(seat.account, ()) if other is not seat]

    def _warn(self, account: str) -> None:
        """Once for each account that is signed in for several tables."""
        seats = self._seats[account]
        if len(seats) > 1 and account not in self._logged:
            self._logged.add(account)
            names = " and ".join(sorted(seat.name for seat in seats))
            log.warning("%s are signed in with one Microsoft account: is that intended?", names)
