"""When an account is sent again: within the beat, and never where a large table speaks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from bridge.publishing.outgoing import Outgoing

BEAT_S = 120.0
"""All is sent again within this: times and expiry stay true, and what others erased comes back."""
LOOK_S = 5.0
"""Between two looks for whose turn it is."""
_NOW_S = float("-inf")


class Beats:
    """When each account was sent last."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing, self._clock = outgoing, outgoing.clock
        self._sent_s: dict[str, float] = {}

    def sent(self, slug: str) -> None:
        """All about ``slug`` was sent."""
        followed = self._outgoing.followed.get(slug)
        if followed is None or followed.shares:
            self.forget(slug)
        else:
            self._sent_s[slug] = self._clock.monotonic()

    def soon(self, slug: str) -> None:
        """Let it be the turn of ``slug`` next."""
        self._sent_s[slug] = _NOW_S

    def is_next(self, slug: str) -> bool:
        """Whether it is the turn of ``slug`` by ``soon``."""
        return self._sent_s.get(slug) == _NOW_S

    def forget(self, slug: str) -> None:
        """Let ``slug`` have no turn."""
        self._sent_s.pop(slug, None)

    async def due(self) -> AsyncIterator[str]:
        """Each account whose turn it is, without end."""
        while True:
            await self._clock.sleep(LOOK_S)
            due_s = self._clock.monotonic() - (BEAT_S - 2 * LOOK_S)
            for slug in [slug for slug, sent_s in self._sent_s.items() if sent_s <= due_s]:
                yield slug
