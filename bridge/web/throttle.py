"""How long somebody who guesses passwords must wait. Never checks a password."""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address, ip_network

from bridge.contract.clock import Clock

FREE = 5
"""Wrong guesses before any waiting."""
FIRST_S, MOST_S = 2.0, 900.0
REMEMBERED = 2_000
"""Addresses; the oldest are forgotten."""


class Throttle:
    """Counts wrong guesses an address; the wait doubles with each, up to a quarter of an hour."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until ``address`` may guess again; 0 when it may now."""
        _, until_s = self._wrong.get(_source(address), (0, 0.0))
        return max(0.0, until_s - self._clock.monotonic())

    def wrong(self, address: str) -> None:
        """A guess was wrong."""
        source = _source(address)
        count = self._wrong.pop(source, (0, 0.0))[0] + 1
        over = count - FREE
        wait = min(MOST_S, FIRST_S * 2.0 ** min(over, 20)) if over >= 0 else 0.0
        self._wrong[source] = (count, self._clock.monotonic() + wait)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)

    def right(self, address: str) -> None:
        """The password was given: forget what was wrong before."""
        self._wrong.pop(_source(address), None)


def _source(address: str) -> str:
    """Who guesses: an IPv4 address, or the /64 that one IPv6 line has to itself (RFC 6177)."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, 64), strict=False))
    return str(parsed)
