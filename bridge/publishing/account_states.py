"""Publishes the facts of each account: what changed at once, and all of it again in turns.

While many messages wait, each account waits with its newest facts.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from bridge.contract.account import AccountFacts, Followed, SignIn
from bridge.contract.status import Status
from bridge.contract.wire import Message
from bridge.publishing.account_messages import (
    auth,
    availability_of,
    changes,
    everything,
    sign_in_event,
    state_and_attributes,
    state_is_new,
    status_message,
    unexpiring,
    without_code,
)
from bridge.publishing.outgoing import MANY, Outgoing
from bridge.publishing.preferences import Preferences
from bridge.publishing.today.minutes import Minutes

BEAT_S = 120.0
"""All is sent again within this: times and expiry stay true, and what others erased comes back."""
UNREPEATED = ("availability", "sign_in", "auth", "status", "today", "preferred")
"""What a beat leaves out where there are many: it is only what would expire."""
LOOK_S = 5.0
"""Between two looks for whose turn it is."""
NOW_S = float("-inf")


class Published(NamedTuple):
    """What was last sent for one account."""

    facts: AccountFacts
    at_s: float
    """Monotonic time of the last beat."""


class AccountStates:
    """The facts of everybody who is followed, as they were published last."""

    def __init__(self, outgoing: Outgoing, *, preferences: Preferences, minutes: Minutes) -> None:
        self._outgoing, self._preferences, self._minutes = outgoing, preferences, minutes
        self._broker, self._topics, self._clock = outgoing.broker, outgoing.topics, outgoing.clock
        self._published: dict[str, Published] = {}
        self._tables: dict[str, SignIn] = {}
        """The sign-in of each table."""
        self._due: OrderedDict[str, AccountFacts] = OrderedDict()
        self._waiting = asyncio.Event()

    def forget(self, accounts: Iterable[str]) -> None:
        """Forget ``accounts``, and the tables that nobody who is followed is in."""
        for slug in accounts:
            self._published.pop(slug, None)
            self._preferences.forget(slug)
        tables = {account.table for account in self._outgoing.followed.values()}
        self._tables = {table: s for table, s in self._tables.items() if table in tables}

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        followed = self._outgoing.followed.get(facts.account)
        if followed is None:
            return
        if followed.table and self._tables.get(followed.table) != facts.sign_in:
            self._take_table(followed.table, facts.sign_in)
        if not self._outgoing.is_brief_about(followed):
            self._minutes.take(facts)
        self._due[facts.account] = facts
        self._publish_due()
        if self._due:
            self._waiting.set()

    async def publish_waiting(self) -> None:
        """Publish what waits as soon as the broker has room for it, until cancelled."""
        while True:
            await self._waiting.wait()
            await self._broker.room()
            self._publish_due()
            if not self._due:
                self._waiting.clear()

    async def repeat(self) -> None:
        """Send everything again, account by account, each in its turn, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            due_s = self._clock.monotonic() - (BEAT_S - 2 * LOOK_S)
            for slug in [s for s, sent in self._published.items() if sent.at_s <= due_s]:
                await self._broker.room()
                if self._broker.connected:  # else the next welcome has it
                    self._outgoing.send(*self._repeated(slug), beat=True)

    def everybody(self) -> Iterator[tuple[Followed, AccountFacts]]:
        """Everybody who is followed, with what was published last."""
        for slug, followed in list(self._outgoing.followed.items()):
            yield followed, self.facts(slug)

    def facts(self, slug: str) -> AccountFacts:
        """What was published last about an account; nothing before that."""
        published = self._published.get(slug)
        return published.facts if published else AccountFacts(slug, "")

    def unread(self, slug: str) -> Iterator[Message]:
        """That an account is not current, when nothing is known of it yet."""
        followed = self._outgoing.followed.get(slug)
        if followed and slug not in self._published:
            if not self._outgoing.is_brief_about(followed):
                yield status_message(self._topics, slug, Status.NOT_READ)
            yield availability_of(self._topics, self.facts(slug))

    def tables(self) -> Iterator[Message]:
        """The sign-ins of all tables."""
        for table, sign_in in list(self._tables.items()):
            yield self._table(table, sign_in)

    def everything(self, slug: str) -> Iterator[Message]:
        """All that is known now about an account; nothing of somebody who just left."""
        followed = self._outgoing.followed.get(slug)
        if followed is None:
            return
        yield from self.unread(slug)
        facts = self.facts(slug)
        if slug in self._published:
            brief = self._outgoing.is_brief_about(followed)
            for message in everything(self._topics, facts, self._clock.now(), brief=brief):
                if self.facts(slug) is not facts:  # they changed while the broker took these
                    yield from self.everything(slug)
                    return
                yield message
        yield from self._minutes.of(slug)
        yield from self._preferences.everything(slug, followed)

    def on(self, topic: str) -> Message | None:
        """What should stand on ``topic``; ``None`` where it is of nobody who is followed."""
        slug = topic.split("/")[-2]
        return next((message for message in self.everything(slug) if message.topic == topic), None)

    def _repeated(self, slug: str) -> Iterator[Message]:
        published, followed = self._published.get(slug), self._outgoing.followed.get(slug)
        if published is None or followed is None:
            return
        facts = published.facts
        self._published[slug] = Published(facts, self._clock.monotonic())
        if facts.fresh:
            yield from state_and_attributes(self._topics, facts)
        if followed.table and len(self._outgoing.followed) > MANY:
            return
        yield from unexpiring(self._topics, facts, self._clock.now())
        yield from self._minutes.of(slug)
        yield from self._preferences.everything(slug, followed)

    def _publish_due(self) -> None:
        """Publish what is due while the broker has room."""
        while self._due and self._broker.has_room:
            slug, facts = self._due.popitem(last=False)
            followed = self._outgoing.followed.get(slug)
            if followed is None:
                continue
            if followed.table and (seen := without_code(facts.sign_in)) != facts.sign_in:
                facts = replace(facts, sign_in=seen)
            old, at_s = None, self._clock.monotonic()
            if before := self._published.get(slug):
                old = before.facts
                is_sent = facts.epoch == old.epoch or state_is_new(old, facts)
                at_s = before.at_s if is_sent else NOW_S
                # a new state is no beat: who changes often is repeated too
            self._published[slug] = Published(facts, at_s)
            self._outgoing.send(
                *changes(
                    self._topics,
                    old,
                    facts,
                    self._clock.now(),
                    brief=self._outgoing.is_brief_about(followed),
                ),
                *self._preferences.news({slug: followed}),
            )
            if not followed.table:
                topic = self._topics.account(slug, "sign_in_event")
                self._send_event(topic, old.sign_in if old else None, facts.sign_in)

    def _take_table(self, table: str, sign_in: SignIn) -> None:
        before, self._tables[table] = self._tables.get(table), sign_in
        self._outgoing.send(self._table(table, sign_in))
        self._send_event(self._topics.table(table, "sign_in_event"), before, sign_in)

    def _send_event(self, topic: str, before: SignIn | None, sign_in: SignIn) -> None:
        if event := sign_in_event(topic, before, sign_in, self._clock.now()):
            self._outgoing.send(event)

    def _table(self, table: str, sign_in: SignIn) -> Message:
        return auth(self._topics.table(table, "auth"), sign_in, self._clock.now())
