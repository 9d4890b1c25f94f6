"""Publishes the facts of each account: what changed at once, and all of it again in turns.

While many messages wait, each account waits with its newest facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bridge.contract.account import AccountFacts, Followed, SignIn
from bridge.contract.status import Status
from bridge.contract.topics import whose
from bridge.contract.wire import Message
from bridge.publishing.account_messages import (
    auth,
    availability_of,
    changes,
    everything,
    nothing_read,
    sign_in_event,
    state_and_attributes,
    state_is_new,
    status_message,
    unexpiring,
    without_code,
)
from bridge.publishing.outgoing import MANY, Outgoing
from bridge.publishing.preferences import Preferences
from bridge.publishing.table_freshness import TableFreshness, only_times_differ
from bridge.publishing.today.minutes import Minutes
from bridge.publishing.waiting_facts import WaitingFacts

BEAT_S = 120.0
"""All is sent again within this: times and expiry stay true, and what others erased comes back."""
UNREPEATED = ("availability", "sign_in", "auth", "status", "today", "preferred")
"""What a beat leaves out where there are many: it is only what would expire."""
EXPIRING = ("state", "attributes")
"""What a beat repeats of them; of who is in a large table nothing."""
LOOK_S = 5.0
"""Between two looks for whose turn it is."""
NOW_S = float("-inf")


class AccountStates:
    """The facts of everybody who is followed, as they were published last."""

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        preferences: Preferences,
        minutes: Minutes,
        freshness: TableFreshness,
    ) -> None:
        self._outgoing, self._preferences, self._minutes = outgoing, preferences, minutes
        self._freshness = freshness
        self._broker, self._topics, self._clock = outgoing.broker, outgoing.topics, outgoing.clock
        self._published: dict[str, AccountFacts] = {}
        self._beaten_s: dict[str, float] = {}
        """Monotonic time of the last beat of each account."""
        self._tables: dict[str, tuple[SignIn, SignIn]] = {}
        """The sign-in of each table, and what of it stands on the topics of its people."""
        self._due = WaitingFacts()
        self._waiting = asyncio.Event()

    def forget(self, accounts: Iterable[str]) -> None:
        """Forget ``accounts``, and the tables that nobody who is followed is in."""
        for slug in accounts:
            self._published.pop(slug, None)
            self._beaten_s.pop(slug, None)
            self._preferences.forget(slug)
        tables = {account.table for account in self._outgoing.followed.values()}
        self._tables = {table: s for table, s in self._tables.items() if table in tables}

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        followed = self._outgoing.followed.get(facts.account)
        if followed is None:
            return
        if followed.table:
            shown = self._shown_of_table(followed.table, facts.sign_in)
            if shown is not facts.sign_in:
                facts = replace(facts, sign_in=shown)
            self._freshness.take(followed.table, facts)
        if not self._outgoing.is_brief_about(followed):
            self._minutes.take(facts)
        old = self._published.get(facts.account)
        if followed.shares and facts.account not in self._due and only_times_differ(old, facts):
            return  # what is stored of them stays true
        self._due.put(facts, old)
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
            for slug in [s for s, beaten_s in self._beaten_s.items() if beaten_s <= due_s]:
                await self._broker.room()
                if self._broker.connected:  # else the next welcome has it
                    self._outgoing.send(*self._repeated(slug), beat=True)

    def everybody(self) -> Iterator[tuple[Followed, AccountFacts]]:
        """Everybody who is followed, with what was published last, and the times of their table."""
        for slug, followed in list(self._outgoing.followed.items()):
            yield followed, self._freshness.timed(self.facts(slug), followed)

    def begin(self) -> None:
        """A connection begins: of large tables those who waited come first in what it is sent."""
        shared = {slug for slug, account in self._outgoing.followed.items() if account.shares}
        for facts in self._due.take_those(shared.__contains__):
            self._published[facts.account] = facts
            self._freshness.lose(facts.account)
        self._freshness.begin()

    def reshape(self, slug: str, before: Followed) -> None:
        """Send the state anew, soon: somebody else says now until when it is current."""
        if facts := self._published.get(slug):
            self._published[slug] = self._freshness.timed(facts, before)
            self._beaten_s[slug] = NOW_S

    def facts(self, slug: str) -> AccountFacts:
        """What was published last about an account; nothing before that."""
        return self._published.get(slug) or AccountFacts(slug, "")

    def unread(self, slug: str) -> Iterator[Message]:
        """That an account is not current, when nothing is known of it yet.

        What was stored before stays, unless there may be a message in it that is not shown now.
        """
        followed, facts = self._outgoing.followed.get(slug), self.facts(slug)
        if followed and not followed.says and facts.presence is None:
            yield from nothing_read(self._topics, facts, table=followed.freshness_of)
        if followed and slug not in self._published:
            if not self._outgoing.is_brief_about(followed):
                yield status_message(self._topics, slug, Status.NOT_READ)
            yield availability_of(self._topics, facts)

    def tables(self) -> Iterator[Message]:
        """The sign-ins of all tables, and until when the people of large ones are current."""
        for table, (sign_in, _) in list(self._tables.items()):
            yield self._table(table, sign_in)
        yield from self._freshness.messages()

    def everything(self, slug: str) -> Iterator[Message]:
        """All that is known now about an account, to be sent; nothing of somebody who just left."""
        yield from self._known(slug)
        if self._beaten_s.get(slug) == NOW_S:
            self._beaten(slug)

    def _known(self, slug: str) -> Iterator[Message]:
        followed = self._outgoing.followed.get(slug)
        if followed is None:
            return
        yield from self.unread(slug)
        facts = self.facts(slug)
        if slug in self._published:
            for message in everything(
                self._topics,
                facts,
                self._clock.now(),
                brief=self._outgoing.is_brief_about(followed),
                table=followed.freshness_of,
            ):
                if self.facts(slug) is not facts:  # they changed while the broker took these
                    yield from self._known(slug)
                    return
                yield message
        yield from self._minutes.of(slug)
        yield from self._preferences.everything(slug, followed)

    def on(self, topic: str) -> Message | None:
        """What should stand on ``topic``; ``None`` where it is of nobody who is followed."""
        slug = whose(topic)
        return next((message for message in self._known(slug) if message.topic == topic), None)

    def _repeated(self, slug: str) -> Iterator[Message]:
        facts, followed = self._published.get(slug), self._outgoing.followed.get(slug)
        if facts is None or followed is None:
            return
        self._beaten(slug)
        if followed.shares:
            yield from state_and_attributes(self._topics, facts, table=followed.table)
            return
        if facts.fresh:
            yield from state_and_attributes(self._topics, facts)
        if followed.table and len(self._outgoing.followed) > MANY:
            return
        yield from unexpiring(self._topics, facts, self._clock.now())
        yield from self._minutes.of(slug)
        yield from self._preferences.everything(slug, followed)

    def _beaten(self, slug: str) -> None:
        followed = self._outgoing.followed.get(slug)
        self._beaten_s[slug] = self._clock.monotonic()
        if followed is None or followed.shares:
            del self._beaten_s[slug]

    def _publish_due(self) -> None:
        """Publish what is due while the broker has room."""
        while self._due and self._broker.has_room:
            facts = self._due.take()
            slug, followed = facts.account, self._outgoing.followed.get(facts.account)
            if followed is None:
                continue
            old = self._published.get(slug)
            if old is None:
                self._beaten(slug)
            elif facts.epoch != old.epoch and not state_is_new(old, facts):
                self._beaten_s[slug] = NOW_S  # a new state is no beat: who changes is repeated too
            self._published[slug] = facts
            messages = changes(
                self._topics,
                old,
                facts,
                self._clock.now(),
                brief=self._outgoing.is_brief_about(followed),
                table=followed.freshness_of,
            )
            is_first_of_many = followed.table is not None and old is None
            self._outgoing.send(*messages, beat=is_first_of_many)
            if followed.settable:
                self._outgoing.send(*self._preferences.news({slug: followed}))
            if not followed.table:
                topic = self._topics.account(slug, "sign_in_event")
                self._send_event(topic, old.sign_in if old else None, facts.sign_in)

    def _shown_of_table(self, table: str, sign_in: SignIn) -> SignIn:
        """What people who are read by ``sign_in`` show of it, which is sent when it is news."""
        before, shown = self._tables.get(table, (None, sign_in))
        if before is not sign_in:
            shown = without_code(sign_in)
            self._tables[table] = sign_in, shown
            if before != sign_in:
                self._outgoing.send(self._table(table, sign_in))
                self._send_event(self._topics.table(table, "sign_in_event"), before, sign_in)
        return shown

    def _send_event(self, topic: str, before: SignIn | None, sign_in: SignIn) -> None:
        if event := sign_in_event(topic, before, sign_in, self._clock.now()):
            self._outgoing.send(event)

    def _table(self, table: str, sign_in: SignIn) -> Message:
        return auth(self._topics.table(table, "auth"), sign_in, self._clock.now())
