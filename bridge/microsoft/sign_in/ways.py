"""Which way somebody signs in, where Microsoft refuses one: the other way, once."""

from __future__ import annotations

from bridge.contract.account import Way


class Ways:
    """The ways that Microsoft refused as such, whatever a person does."""

    def __init__(self) -> None:
        self._refused: set[Way] = set()

    def refuse(self, *ways: Way) -> None:
        """Offer these no more."""
        self._refused.update(ways)

    def allow(self, way: Way) -> None:
        """Somebody requested it by name: it is tried all the same."""
        self._refused.discard(way)

    def instead_of(self, way: Way) -> Way | None:
        """The other way, where ``way`` alone is refused."""
        other = Way.BROWSER if way is Way.DEVICE_CODE else Way.DEVICE_CODE
        return other if way in self._refused and other not in self._refused else None

    def usable(self, usual: Way) -> Way:
        """The ``usual`` way, or the other one where only that is not refused."""
        return self.instead_of(usual) or usual
