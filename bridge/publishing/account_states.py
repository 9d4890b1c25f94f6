"""Publishes the facts of each account: what changed at once, and all of it again in turns.

While many messages wait, each account waits with its newest facts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bridge.contract.account import AccountFacts, Followed
from bridge.contract.presence import Presence
from bridge.contract.status import Status
from bridge.contract.topics import owner_of
from bridge.contract.wire import Message
from bridge.publishing.account_messages import (
    availability_of,
    changes,
    everything,
    state_and_attributes,
    status_message,
    unexpiring,
)
from bridge.publishing.beats import Beats
from bridge.publishing.comparisons import only_times_differ, state_is_new
from bridge.publishing.outgoing import MANY, Outgoing
from bridge.publishing.preferences import Preferences
from bridge.publishing.shared_sign_ins import SharedSignIns
from bridge.publishing.table_freshness import TableFreshness
from bridge.publishing.today.minutes import Minutes
from bridge.publishing.waiting_facts import WaitingFacts

UNREPEATED = ("availability", "sign_in", "auth", "status", "today", "preferred")
"""What a beat leaves out where there are many: it is only what would expire."""
EXPIRING = ("state", "attributes")
"""What a beat repeats of them; of who is in a large table nothing."""


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
        self._beats = Beats(outgoing)
        self._sign_ins = SharedSignIns(outgoing)
        self._first_sent: set[str] | None = None
        """While a backlog is sent: who was sent before their turn in it."""
        self._due = WaitingFacts()
        self._waiting = asyncio.Event()

    def forget(self, accounts: Iterable[str]) -> None:
        """Forget ``accounts``, and the tables that nobody who is followed is in."""
        for slug in accounts:
            self._published.pop(slug, None)
            self._beats.forget(slug)
            self._preferences.forget(slug)
        self._sign_ins.forget()

    def update(self, facts: AccountFacts) -> None:
        """Publish what is new in ``facts``; nothing for somebody who is not followed any more."""
        followed = self._outgoing.followed.get(facts.account)
        if followed is None:
            return
        if followed.table:
            shown = self._sign_ins.shown(followed.table, facts.sign_in)
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
        async for slug in self._beats.due():
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
        self._first_sent = set()
        self._freshness.begin()

    def in_backlog(self, slug: str) -> Iterator[Message]:
        """All about an account, but what was sent on this connection already."""
        is_sent = self._first_sent is not None and slug in self._first_sent
        yield from self._beside(slug) if is_sent else self.everything(slug)

    def end_backlog(self) -> None:
        """Everybody had their turn."""
        self._first_sent = None

    def awaits_first_facts(self, slug: str, *, is_late: bool = False) -> bool:
        """Whether the large table of somebody speaks for them until their first facts are sent.

        Where it ``is_late`` for a first read, only if they were read already.
        """
        followed = self._outgoing.followed.get(slug)
        if not followed or not followed.shares or followed.discover or slug in self._published:
            return False
        return slug in self._due or not is_late

    def reshape(self, slug: str, before: Followed) -> None:
        """Send the state anew, soon: somebody else says now until when it is current."""
        if facts := self._published.get(slug):
            self._published[slug] = self._freshness.timed(facts, before)
            self._beats.soon(slug)

    def facts(self, slug: str) -> AccountFacts:
        """What was published last about an account; nothing before that."""
        return self._published.get(slug) or AccountFacts(slug, "")

    def unread(self, slug: str) -> Iterator[Message]:
        """That an account is not current, when nothing is known of it yet.

        What was stored before stays, unless there may be a message in it that is not shown now.
        """
        followed, facts = self._outgoing.followed.get(slug), self.facts(slug)
        if followed and not followed.says and facts.presence is None:
            nothing = replace(facts, presence=Presence())
            yield from state_and_attributes(self._topics, nothing, table=followed.freshness_of)
        if followed and slug not in self._published:
            if not self._outgoing.is_brief_about(followed):
                yield status_message(self._topics, slug, Status.NOT_READ)
            yield availability_of(self._topics, facts)

    def tables(self) -> Iterator[Message]:
        """The sign-ins of all tables, and until when the people of large ones are current."""
        yield from self._sign_ins.messages()
        yield from self._freshness.messages()

    def everything(self, slug: str) -> Iterator[Message]:
        """All that is known now about an account, to be sent; nothing of somebody who just left."""
        yield from self._known(slug)
        if self._beats.is_next(slug):
            self._beats.sent(slug)

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
        yield from self._beside(slug)

    def _beside(self, slug: str) -> Iterator[Message]:
        """What is known of an account besides its facts."""
        if followed := self._outgoing.followed.get(slug):
            yield from self._minutes.of(slug)
            yield from self._preferences.everything(slug, followed)

    def on(self, topic: str) -> Message | None:
        """What should stand on ``topic``; ``None`` where it is of nobody who is followed."""
        slug = owner_of(topic)
        return next((message for message in self._known(slug) if message.topic == topic), None)

    def _repeated(self, slug: str) -> Iterator[Message]:
        facts, followed = self._published.get(slug), self._outgoing.followed.get(slug)
        if facts is None or followed is None:
            return
        self._beats.sent(slug)
        if followed.shares:
            yield from state_and_attributes(self._topics, facts, table=followed.table)
            return
        if facts.fresh:
            yield from state_and_attributes(self._topics, facts)
        if followed.table and len(self._outgoing.followed) > MANY:
            return
        yield from unexpiring(self._topics, facts, self._clock.now())
        yield from self._beside(slug)

    def _publish_due(self) -> None:
        """Publish what is due while the broker has room; changes wait for nothing but changes."""
        broker, due = self._broker, self._due
        while broker.has_room_for_changes if due.has_changes else (due and broker.has_room):
            facts = self._due.take()
            slug, followed = facts.account, self._outgoing.followed.get(facts.account)
            if followed is None:
                continue
            old = self._published.get(slug)
            if old is None:
                self._beats.sent(slug)
                if self._first_sent is not None and self._broker.connected:
                    self._first_sent.add(slug)
            elif facts.epoch != old.epoch and not state_is_new(old, facts):
                self._beats.soon(slug)  # a new state is no beat: who changes is repeated too
            self._published[slug] = facts
            messages = changes(
                self._topics,
                old,
                facts,
                self._clock.now(),
                brief=self._outgoing.is_brief_about(followed),
                table=followed.freshness_of,
            )
            self._outgoing.send(*messages, beat=followed.table is not None and old is None)
            if followed.settable:
                self._outgoing.send(*self._preferences.news({slug: followed}))
            if not followed.table:
                topic = self._topics.account(slug, "sign_in_event")
                self._sign_ins.send_event(topic, old.sign_in if old else None, facts.sign_in)
