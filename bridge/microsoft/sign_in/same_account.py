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
        self._seats: defaultdict[str | None, list[Seat]] = defaultdict(list)
        self._logged: set[str] = set()

    def seat(self, name: str, changed: Callable[[], None]) -> Seat:
        """A seat where nobody sits; ``changed`` is called when others sit with who does."""
        return Seat(self, name, changed)

    def others(self, seat: Seat) -> list[Seat]:
        """The other seats of who sits on ``seat``."""
        return [other for other in self._seats.get(seat.account, ()) if other is not seat]

    def move(self, seat: Seat, account: str | None) -> None:
        """Let ``account`` sit on ``seat``, or nobody; everybody concerned learns of it."""
        concerned = self.others(seat)
        if seat.account:
            self._seats[seat.account].remove(seat)
        seat.account = account
        if account:
            concerned += self.others(seat)
            self._seats[account].append(seat)
            self._warn(account)
        for other in concerned:
            other.changed()

    def _warn(self, account: str) -> None:
        """Once for each account that is signed in for several tables."""
        seats = self._seats[account]
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

    def take(self, account: str | None) -> tuple[str, ...]:
        """Let ``account`` sit here, or nobody; the names of the other seats that it has."""
        if account != self.account:
            self._all.move(self, account)
        return tuple(sorted(other.name for other in self._all.others(self))[:NAMED_MOST])
