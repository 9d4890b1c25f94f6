"""Which way somebody signs in, where Microsoft refuses one: the other way, once. Pure."""

from __future__ import annotations

from collections.abc import Container

from bridge.contract.account import Way


def instead_of(way: Way, refused: Container[Way]) -> Way | None:
    """The other way, where ``way`` alone is refused."""
    other = Way.BROWSER if way is Way.DEVICE_CODE else Way.DEVICE_CODE
    return other if way in refused and other not in refused else None


def usable(usual: Way, refused: Container[Way]) -> Way:
    """The ``usual`` way, or the other one where only that is not refused."""
    return instead_of(usual, refused) or usual
