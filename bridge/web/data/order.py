"""In what order people are shown, and how those of one name are told apart. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from bridge.contract.presence_kind import Kind
from bridge.web.data.snapshot import Person

_BUSY = (Kind.CALL, Kind.BUSY)


def in_order(people: Iterable[Person]) -> tuple[Person, ...]:
    """Those who need somebody, then those who are busy, then the others, each by name."""
    return tuple(sorted(people, key=_place))


def distinct(people: tuple[Person, ...]) -> tuple[Person, ...]:
    """``people`` with the slug behind a name that several of them have."""
    often = Counter(person.name.casefold() for person in people)
    return tuple(
        replace(p, name=f"{p.name} ({p.account})") if often[p.name.casefold()] > 1 else p
        for p in people
    )


def _place(person: Person) -> tuple[int, str, str]:
    first = 0 if person.needs_somebody else 1 if person.kind in _BUSY else 2
    return first, person.name.casefold(), person.account
