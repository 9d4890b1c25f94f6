"""A link that opens the page once, for a while, instead of its password.

It is shown where only who may open the page looks, such as a terminal, and never logged. Opening it
shows a button: what looks at links by itself, as messengers do, does not use it up.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

from bridge.contract.clock import Clock

LIFETIME_S = 900.0
KEY_BYTES = 18
QUERY = "once"
"""The name of the key in the address, and of the field that sends it."""


class OneTimeLink:
    """One link; it counts from its making."""

    def __init__(self, *, clock: Clock, random: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._ends_s = clock.monotonic() + LIFETIME_S
        self._key: str | None = base64.urlsafe_b64encode(random(KEY_BYTES)).decode()

    def below(self, address: str) -> str:
        """The link, for the page at ``address``, which ends in a slash."""
        return f"{address}enter?{QUERY}={self._key or ''}"

    def use(self, key: str) -> bool:
        """Whether ``key`` opens the page; it does so once."""
        is_right = (
            self._key is not None
            and self._clock.monotonic() < self._ends_s
            and hmac.compare_digest(self._key.encode(), key.encode(errors="replace"))
        )
        if is_right:
            self._key = None
        return is_right
