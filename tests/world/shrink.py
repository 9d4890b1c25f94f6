"""Leaves out of a story whatever its problem does not need: delta debugging, as Zeller's ddmin."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Fails = Callable[[Sequence[int]], bool]
"""Whether the story of these steps, by their places, still has the problem."""
TRIES_MOST = 120
_NUMBER = re.compile(r"\d[\d.:]*")


def shrink(count: int, fails: Fails) -> list[int]:
    """The places of the steps that the problem needs, of ``count``."""
    tries = 0

    def still_fails(places: Sequence[int]) -> bool:
        nonlocal tries
        tries += 1
        return tries <= TRIES_MOST and fails(places)

    kept, pieces = list(range(count)), 2
    while kept:
        size = -(-len(kept) // pieces)
        chunks = [kept[begin : begin + size] for begin in range(0, len(kept), size)]
        for chunk in chunks:
            without = [place for place in kept if place not in chunk]
            if still_fails(without):
                kept, pieces = without, max(2, pieces - 1)
                break
        else:
            if size == 1:
                break
            pieces = min(len(kept), 2 * pieces)
    return kept


def kind_of(problem: str) -> str:
    """Equal for problems that differ in their numbers only."""
    return _NUMBER.sub("#", problem.partition("\n")[0])
