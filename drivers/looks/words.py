"""Words that a light shows: what they are called there, and when it is given other ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import Annotated

from pydantic import Field

from bridge.config.tables.base import Settings
from drivers.base import Light, Worded, Words

OFF = Words(look="off")
"""What a light says that is given back or left: nothing of anybody."""


class WordSettings(Settings):
    """The key that every kind has which shows words."""

    words: dict[str, Annotated[str, Field(max_length=200)]] = Field(default_factory=dict)
    """What a word is called there: ``{ in_a_call = "On the phone", alice = "Alice" }``."""


def called(words: Words, names: Mapping[str, str]) -> Words:
    """``words`` as ``names`` has them."""
    return Words(*(names.get(word, word) for word in astuple(words)))


class Saying:
    """The words of a light that shows some; any other light has no news of them."""

    def __init__(self, light: Light, words: Callable[[], Words]) -> None:
        self._worded = light if isinstance(light, Worded) else None
        self._words = words
        self._said: Words | None = None

    @property
    def has_news(self) -> bool:
        """Whether the light was not given the newest words."""
        return self._worded is not None and self._words() != self._said

    def say(self) -> None:
        """Give the light the newest words, to show them with the next look."""
        self._give(self._words())

    def end(self) -> None:
        """Leave no word about anybody on it."""
        self._give(OFF)

    def _give(self, words: Words) -> None:
        if self._worded is not None:
            self._worded.say(words)
            self._said = words
