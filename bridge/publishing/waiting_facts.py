"""The newest facts of each account that waits to be published: who does something else is first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator

from bridge.contract.account import AccountFacts
from bridge.publishing.comparisons import is_change


class WaitingFacts:
    """Who waits; while all are sent for the first time a change waits for none of them."""

    def __init__(self) -> None:
        self._changed: OrderedDict[str, AccountFacts] = OrderedDict()
        self._others: OrderedDict[str, AccountFacts] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._changed or self._others)

    def __contains__(self, slug: object) -> bool:
        return slug in self._changed or slug in self._others

    @property
    def has_changes(self) -> bool:
        """Whether somebody waits who does something else."""
        return bool(self._changed)

    def put(self, facts: AccountFacts, published: AccountFacts | None) -> None:
        """Let ``facts`` wait, in the place of older ones; ``published`` are those sent last."""
        slug = facts.account
        if slug not in self._changed and is_change(self._others.get(slug) or published, facts):
            self._others.pop(slug, None)
            self._changed[slug] = facts
        else:
            (self._changed if slug in self._changed else self._others)[slug] = facts

    def take(self) -> AccountFacts:
        """Remove and return whose turn it is."""
        return (self._changed or self._others).popitem(last=False)[1]

    def take_those(self, wanted: Callable[[str], bool]) -> Iterator[AccountFacts]:
        """Remove and give all who are ``wanted``."""
        for waiting in (self._changed, self._others):
            for slug in list(filter(wanted, waiting)):
                yield waiting.pop(slug)
