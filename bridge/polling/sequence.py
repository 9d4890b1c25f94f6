"""Which of two of Microsoft's sequence numbers is older. Pure.

Graph calls them sortable as text, but seen ones are letters and a number that grows longer
(``B999``, ``B1000``). What cannot be compared is not called older: the answer that came last wins.
"""

from __future__ import annotations

import re

from bridge.contract.presence import Presence

_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_COUNTED = re.compile(r"([A-Za-z]*)([0-9]+)")


def is_older(candidate: Presence, than: Presence | None) -> bool:
    """Whether Microsoft made ``candidate`` before ``than``, as far as both say so."""
    stamp, known = candidate.sequence_number, than.sequence_number if than else None
    return stamp is not None and known is not None and comes_before(stamp, known)


def comes_before(stamp: str, known: str) -> bool:
    """Whether the sequence number ``stamp`` is smaller than ``known``."""
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
