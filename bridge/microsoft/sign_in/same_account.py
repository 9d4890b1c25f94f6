"""Which Microsoft account is signed in for which account table, so that one in two can be seen.

As a rule it is a mistake: a browser that was signed in as Bob has signed Bob in for Alice.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

log = logging.getLogger(__name__)

NAMED_MOST = 5
"""Other seats that are named to each."""


class SameAccount:
    """The tables that follow who signs in, each with its seat."""

    def __init__(self) -> None:
        self._seats: defaultdict[str, list[Seat]] = defaultdict(list)
        self._logged: set[str] = set()
        self.moves = 0
        """Counts up whenever somebody takes or leaves a seat."""

    def seat(self, name: str, changed: Callable[[], None]) -> Seat:
        """A seat where nobody sits; ``changed`` is called when others sit with who does."""
        return Seat(self, name, changed)

    def of(self, account: str | None) -> list[Seat]:
        """The seats where ``account`` sits."""
        return list(self._seats.get(account, ())) if account else []

    def moved(self, seat: Seat, before: str | None) -> None:
        """Who sits on ``seat`` is another; everybody concerned learns of it."""
        self.moves += 1
        concerned = self.of(seat.account)
        if before:
            self._seats[before].remove(seat)
            concerned += self.of(before)
        if seat.account:
            self._seats[seat.account].append(seat)
            self._warn(seat.account)
        for other in concerned:
            if other is not seat:
                other.changed()

    def _warn(self, account: str) -> None:
        """Once for each account that is signed in for several tables."""
        seats = self.of(account)
        if len(seats) > 1 and account not in self._logged:
            self._logged.add(account)
            names = " and ".join(sorted(seat.name for seat in seats))
            log.warning("%s are signed in with one Microsoft account: is that intended?", names)


class Seat:
    """The place of one table."""

    def __init__(self, all_seats: SameAccount, name: str, changed: Callable[[], None]) -> None:
        self._all, self.name, self.changed = all_seats, name, changed
        self.account: str | None = None
        """Who sits here, by ``Identity.home_id``."""
        self._others: tuple[str, ...] = ()
        self._looked_at = 0

    def take(self, account: str | None) -> tuple[str, ...]:
        """Let ``account`` sit here, or nobody; the names of the other seats that it has."""
        if account != self.account:
            before, self.account = self.account, account
            self._all.moved(self, before)
        if self._looked_at != self._all.moves:
            self._looked_at = self._all.moves
            others = sorted(seat.name for seat in self._all.of(account) if seat is not self)
            self._others = tuple(others[:NAMED_MOST])
        return self._others
