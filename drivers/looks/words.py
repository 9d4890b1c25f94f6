"""Words that a light shows, and what they are called there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Annotated

from pydantic import Field

from bridge.config.tables.base import Settings
from drivers.base import Words

OFF = Words(look="off")
"""What a light says that is given back or left: nothing of anybody."""


class WordSettings(Settings):
    """The key that every kind has which shows words."""

    words: dict[str, Annotated[str, Field(max_length=200)]] = Field(default_factory=dict)
    """What a word is called there: ``{ in_a_call = "On the phone", alice = "Alice" }``."""


def called(words: Words, names: Mapping[str, str]) -> Words:
    """``words`` as ``names`` has them."""
    return Words(*(names.get(word, word) for word in astuple(words)))
