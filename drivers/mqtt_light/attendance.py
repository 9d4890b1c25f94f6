"""Whether a device is there, from what is told of it. No I/O.

What a broker has stored may be old: a last will outlives the device's return where the word after
it was not stored, or was lost. So a stored ``offline`` is a doubt, and whatever the device itself
tells ends it. One that is told now holds until the device tells something.
"""

from __future__ import annotations


class Attendance:
    """What each availability topic said last.

    Of ``nearest_first`` only the first that ever spoke counts: of which folder a device is, is not
    to be seen from its topic.
    """

    def __init__(self, nearest_first: tuple[str, ...]) -> None:
        self._nearest_first = nearest_first
        self._said: dict[str, bool] = {}
        self._away: dict[str, bool] = {}
        """Of each topic that says offline whether that was stored."""

    def hear(self, topic: str, *, online: bool, stored: bool) -> bool:
        """Take a word; whether everybody says online now and somebody did not before."""
        if topic in self._nearest_first and not self._is_nearest(topic):
            return False
        was_away = not all(self._said.values())
        self._said[topic] = online
        self._away.pop(topic, None)
        if not online:
            self._away[topic] = stored
        return was_away and all(self._said.values())

    def hear_device(self) -> None:
        """The device itself told something now."""
        self._away.clear()

    @property
    def away(self) -> str | None:
        """The topic that says that the device is away."""
        return min(self._away, key=self._away.__getitem__, default=None)

    @property
    def is_doubtful(self) -> bool:
        """Whether it may be away, since somebody said so once."""
        return bool(self._away) and all(self._away.values())

    def _is_nearest(self, topic: str) -> bool:
        """Whether nobody nearer has spoken; who is further then counts no more."""
        place = self._nearest_first.index(topic)
        for further in self._nearest_first[place + 1 :]:
            self._said.pop(further, None)
            self._away.pop(further, None)
        return not any(nearer in self._said for nearer in self._nearest_first[:place])
