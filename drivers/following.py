"""What a lamp hears of the accounts it follows. Never decides a look."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from bridge.broker import Broker, Received
from bridge.contract.account import SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError
from bridge.contract.latest import Latest
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import AccountState, decode
from drivers.rules import Facts

log = logging.getLogger(__name__)


class _Auth(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    state: SignInState


@dataclass(frozen=True)
class Heard:
    """Everything heard so far."""

    facts: dict[str, Facts] = field(default_factory=dict)
    bridge_online: bool | None = None
    """``None`` before the bridge's state topic spoke."""
    bridge_lost_s: float = 0.0
    """Monotonic time at which the bridge was last seen to go, or at which we began to listen."""


class Following:
    """Follows state, availability and sign-in of accounts, and whether the bridge is there."""

    def __init__(self, topics: Topics, accounts: Sequence[str], clock: Clock) -> None:
        self._topics, self._accounts, self._clock = topics, accounts, clock
        self._garbage: set[str] = set()
        self.heard: Latest[Heard] = Latest(Heard(bridge_lost_s=clock.monotonic()))

    def attach(self, broker: Broker) -> None:
        """Subscribe, now and after every reconnect."""
        broker.subscribe(self._topics.bridge_state, self._bridge)
        for account in self._accounts or ["+"]:
            for leaf in ("state", "availability", "auth"):
                broker.subscribe(self._topics.account(account, leaf), self._account)

    def _bridge(self, received: Received) -> None:
        online = received.payload == ONLINE.encode()
        heard = self.heard.value
        if online != heard.bridge_online:
            self.heard.set(
                replace(heard, bridge_online=online, bridge_lost_s=self._clock.monotonic())
            )

    def _account(self, received: Received) -> None:
        *_, account, leaf = received.topic.split("/")
        heard = self.heard.value
        known = heard.facts.get(account, Facts())
        try:
            news = self._news(known, leaf, received.payload)
        except ContractError as error:
            if received.topic not in self._garbage:
                self._garbage.add(received.topic)
                log.warning("ignored what is on %s: %s", received.topic, error)
            return
        if news != known:
            self.heard.set(replace(heard, facts={**heard.facts, account: news}))

    def _news(self, known: Facts, leaf: str, payload: bytes) -> Facts:
        changed: dict[str, Any] = {}
        if leaf == "availability":
            changed["fresh"] = payload == ONLINE.encode()
        elif leaf == "auth":
            changed["sign_in"] = decode(_Auth, payload).state if payload else None
        else:
            changed["state"] = decode(AccountState, payload) if payload else None
        return replace(known, **changed)
