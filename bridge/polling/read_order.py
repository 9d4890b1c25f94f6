"""Which answers of Microsoft are older than one before, and for how long they are dropped.

Graph calls sequence numbers sortable as text, but seen ones are letters and a number that grows
longer (``B999``, ``B1000``). What cannot be compared is not called older: the last answer wins.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from bridge.contract.account import AccountFacts
from bridge.contract.presence import Presence

log = logging.getLogger(__name__)

OLDER_MOST, OLDER_FOR = 10, timedelta(minutes=5)
"""So many older answers in a row, or for so long: Microsoft counts anew, and they are taken."""
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_COUNTED = re.compile(r"([A-Za-z]*)([0-9]+)")


class ReadOrder:
    """Who gets older answers: since when, and how many in a row."""

    def __init__(self) -> None:
        self._older: dict[str, tuple[datetime, int]] = {}

    def check(
        self, answers: Mapping[str, Presence], before: Mapping[str, AccountFacts], now: datetime
    ) -> tuple[set[str], tuple[str, ...]]:
        """Whose answer is older than ``before``, and for whom that has gone on for too long."""
        older: dict[str, tuple[datetime, int]] = {}
        anew: list[str] = []
        for slug in older_in(answers, before):
            since, count = self._older.get(slug, (now, 0))
            if count + 1 >= OLDER_MOST or now - since >= OLDER_FOR:
                anew.append(slug)
            else:
                older[slug] = since, count + 1
        missing = {slug: old for slug, old in self._older.items() if slug not in answers}
        self._older = missing | older
        return set(older), tuple(anew)

    def forget(self, slug: str) -> None:
        """Forget somebody."""
        self._older.pop(slug, None)

    def clock_set_back(self, back: timedelta) -> None:
        """Take note that the wall clock was set back."""
        self._older = {slug: (since - back, n) for slug, (since, n) in self._older.items()}


def log_counted_anew(source: str, slugs: tuple[str, ...]) -> None:
    """Say of whom the older answers were taken, if of anybody."""
    if slugs:
        some = slugs[0] if len(slugs) == 1 else f"{slugs[0]} and {len(slugs) - 1} more"
        text = "%s: Microsoft numbers its answers from the start; those of %s count as new"
        log.info(text, source, some)


def older_in(answers: Mapping[str, Presence], before: Mapping[str, AccountFacts]) -> list[str]:
    """Whose answer is older than ``before``."""
    return [
        slug
        for slug, presence in answers.items()
        if (facts := before.get(slug))
        and presence is not facts.presence
        and is_older(presence, facts.presence)
    ]


def is_older(answer: Presence, than: Presence | None) -> bool:
    """Whether Microsoft made ``answer`` before ``than``, as far as both say so."""
    stamp, other = answer.sequence_number, than.sequence_number if than else None
    return stamp is not None and other is not None and comes_before(stamp, other)


def comes_before(stamp: str, known: str) -> bool:
    """Whether the sequence number ``stamp`` is smaller than ``known``."""
    both = stamp + known
    if len(stamp) == len(known) and both.isalnum() and both.isascii():
        return stamp.upper() < known.upper()  # as nearly always
    parts = _SEPARATORS.split(stamp), _SEPARATORS.split(known)
    if len(parts[0]) != len(parts[1]):
        return False
    different = ((a, b) for a, b in zip(*parts, strict=True) if a.upper() != b.upper())
    pair = next(different, None)
    return pair is not None and _is_smaller(*pair)


def _is_smaller(part: str, known: str) -> bool:
    """Parts of one length are padded or hexadecimal: text; others a number behind letters."""
    if len(part) == len(known):
        return part.upper() < known.upper()
    counted = _COUNTED.fullmatch(part), _COUNTED.fullmatch(known)
    if counted[0] is None or counted[1] is None:
        return False
    return _order(counted[0]) < _order(counted[1])


def _order(counted: re.Match[str]) -> tuple[int, str, int, str]:
    letters, digits = counted[1].upper(), counted[2].lstrip("0")
    return len(letters), letters, len(digits), digits
