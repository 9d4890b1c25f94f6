"""Answers what others put on topics of ours with the truth. Never the first to speak there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from bridge.broker import Broker, Received
from bridge.contract.account import AccountFacts
from bridge.contract.clock import Clock
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.account import availability_of, state_of
from bridge.publishing.repair.contradictions import Contradictions
from bridge.publishing.repair.own_topics import OwnTopics, Verdict, newer_epoch
from bridge.publishing.service import Service

log = logging.getLogger(__name__)

LEAVES = ("state", "availability")
PAUSE_S = 1.0
"""Between two answers: who contradicts for ever is not answered faster."""


class Corrections:
    """Listens to the states of some accounts; ``facts`` tells what is true of one."""

    def __init__(
        self,
        topics: Topics,
        *,
        facts: Callable[[str], AccountFacts],
        service: Service,
        send: Callable[[Message], None],
        clock: Clock,
    ) -> None:
        self._topics, self._facts, self._service = topics, facts, service
        self._send, self._clock = send, clock
        self._own = OwnTopics()
        self._contradictions = Contradictions(PAUSE_S, base=topics.base, clock=clock)
        self._accounts: dict[str, tuple[str, str]] = {}
        """The account and the leaf of each topic that is listened to."""
        self._foreign: dict[str, None] = {}
        self._heard = asyncio.Event()

    def listen(self, broker: Broker, accounts: Iterable[str]) -> None:
        """Listen to exactly these accounts."""
        before = self._accounts
        self._accounts = {
            self._topics.account(account, leaf): (account, leaf)
            for account in accounts
            for leaf in LEAVES
        }
        self._own.listen(self._accounts)
        for topic in before.keys() - self._accounts.keys():
            broker.unsubscribe(topic)
        for topic in self._accounts:
            if topic not in before:
                broker.subscribe(topic, self.hear)

    def sent(self, message: Message) -> None:
        """Take note of what goes to the broker."""
        self._own.sent(message)

    def hear(self, received: Received) -> None:
        """Take a message on one of the topics."""
        verdict = self._own.judge(received)
        if verdict is Verdict.OURS or received.topic not in self._accounts:
            return
        account, leaf = self._accounts[received.topic]
        if leaf == "state":
            seen = newer_epoch(received, self._facts(account))
            if seen is not None:
                self._service.raise_epoch(seen)
        if verdict is Verdict.FOREIGN:
            log.debug("answered what somebody else put on %s", received.topic)
            self._foreign[received.topic] = None
            self._heard.set()

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            topics, self._foreign = self._foreign, {}
            pause_s = PAUSE_S
            for topic in topics:
                if truth := self._truth(topic):
                    self._send(truth)
                    pause_s = self._contradictions.answered(topic)
            await self._clock.sleep(pause_s)

    def _truth(self, topic: str) -> Message | None:
        """What should stand on ``topic``; ``None`` where nothing is known better."""
        if topic not in self._accounts:
            return None
        account, leaf = self._accounts[topic]
        facts = self._facts(account)
        return (
            availability_of(self._topics, facts)
            if leaf != "state"
            else state_of(self._topics, facts)
        )
