"""Which Microsoft account is signed in for which account table, so that one in two can be seen.

As a rule it is a mistake: a browser that was signed in as Bob has signed Bob in for Alice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class SameAccount:
    """The tables that follow who signs in, each with its seat."""

    def __init__(self) -> None:
        self._seats: list[Seat] = []
        self._logged: set[frozenset[str]] = set()

    def seat(self, name: str, changed: Callable[[], None]) -> Seat:
        """A seat where nobody sits; ``changed`` is called when others sit with who does."""
        return Seat(self, name, changed)

    def sharing(self, seat: Seat) -> list[Seat]:
        """The other seats where the same account sits."""
        return [each for each in self._seats if each is not seat and each.account == seat.account]

    def moved(self, seat: Seat, before: str | None) -> None:
        """Who sits on ``seat`` is another; everybody concerned learns of it."""
        self._seats = [each for each in self._seats if each is not seat]
        left = [each for each in self._seats if each.account == before]
        if seat.account:
            self._seats.append(seat)
        for other in self.sharing(seat):
            pair = frozenset((seat.name, other.name))
            if pair not in self._logged:
                self._logged.add(pair)
                names = " and ".join(sorted(pair))
                log.warning("%s are signed in with one Microsoft account: is that meant?", names)
        for other in (*left, *self.sharing(seat)):
            other.changed()


class Seat:
    """The place of one table."""

    def __init__(self, all_seats: SameAccount, name: str, changed: Callable[[], None]) -> None:
        self._all, self.name, self.changed = all_seats, name, changed
        self.account: str | None = None
        """Who sits here, by ``Identity.home_id``."""

    def take(self, account: str | None) -> tuple[str, ...]:
        """Let ``account`` sit here, or nobody; the names of the other seats that it has."""
        if account != self.account:
            before, self.account = self.account, account
            self._all.moved(self, before)
        return tuple(sorted(each.name for each in self._all.sharing(self))) if account else ()
