"""What a lamp is asked for: a new target for another look, or for other words where it has any."""

from __future__ import annotations

from bridge.contract.latest import Latest
from drivers.base import Light, Worded, Words
from drivers.rules import Shown
from drivers.showing import Showing


class Aim:
    """The newest look and its words."""

    def __init__(self) -> None:
        self.target: Latest[Shown] = Latest(None)
        self._words, self._is_worded = Words(), False

    def words(self) -> Words:
        """The newest words."""
        return self._words

    def take(self, light: Light) -> None:
        """Know whether ``light`` shows words: no other is disturbed for them."""
        self._is_worded = isinstance(light, Worded)

    def at(self, showing: Showing) -> None:
        """Ask for what ``showing`` has."""
        is_other = showing.shown != self.target.value
        if self._is_worded:
            is_other = is_other or showing.words != self._words
        self._words = showing.words
        if is_other:
            self.target.set(showing.shown)
