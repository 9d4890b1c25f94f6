"""Builds the snapshot of the page from what the bridge knows and hears. Never asks for anything.

Many values that come at once, as after a bulk read, make one snapshot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pydantic import BaseModel, ConfigDict

from bridge.contract.account import AccountFacts, Followed
from bridge.contract.errors import ContractError
from bridge.contract.health import Health
from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import decode
from bridge.web.snapshot import Light, Person, Service, Snapshot

LIGHTS = 500
"""Lights that are remembered; whoever may write on the broker could name more."""
_LEAVES = ("state", "light/availability", "light/rule")


class Rule(BaseModel):
    """The JSON on ``driver/<d>/light/rule``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str | None = None
    account: str | None = None
    mode: str = "follow"
    look: LightState | None = None


class View:
    """Collects; ``snapshot`` is the newest whole."""

    def __init__(self, service: Service, topics: Topics, *, can_add: bool = False) -> None:
        self._service, self._topics, self._can_add = service, topics, can_add
        self._people: dict[str, Person] = {}
        self._lights: dict[str, Light] = {}
        self._flushing: asyncio.Handle | None = None
        self.snapshot: Latest[Snapshot] = Latest(Snapshot(service, can_add=can_add))

    @property
    def topic_filters(self) -> Sequence[str]:
        """What ``hear`` wants to hear."""
        return [f"{self._topics.base}/driver/+/{leaf}" for leaf in _LEAVES]

    def follow(
        self,
        followed: Mapping[str, Followed],
        *,
        added_here: Collection[str] = (),
    ) -> None:
        """Show exactly these people, in this order, also before anything is known of them."""
        known = self._people
        self._people = {
            account: replace(
                known.get(account, Person(account, settings.name)),
                name=settings.name,
                ways=settings.ways,
                added_here=account in added_here,
            )
            for account, settings in followed.items()
        }
        if list(known.items()) != list(self._people.items()):
            self._soon()

    def update(self, facts: AccountFacts) -> None:
        """Take the newest facts of one account; nothing for who is not followed any more."""
        known = self._people.get(facts.account)
        if known and (news := person_of(known, facts)) != known:
            self._people[facts.account] = news
            self._soon()

    def update_health(
        self,
        health: Health,
        *,
        broker_connected: bool,
        mqtt_version: str | None = None,
    ) -> None:
        """Take the newest health."""
        news = replace(
            service_of(self._service, health),
            broker_connected=broker_connected,
            mqtt_version=mqtt_version,
        )
        if news != self._service:
            self._service = news
            self._soon()

    def hear(self, topic: str, payload: bytes) -> None:
        """Take a message of a driver; one that is none of the contract's is ignored."""
        name, _, leaf = topic.removeprefix(f"{self._topics.base}/driver/").partition("/")
        known = self._lights.get(name, Light(name))
        try:
            news = light_of(known, leaf, payload)
        except ContractError:
            return
        if news is None:
            self._lights.pop(name, None)
        elif len(self._lights) < LIGHTS or name in self._lights:
            self._lights[name] = news
        if news != known:
            self._soon()

    def _soon(self) -> None:
        """Make a new snapshot when all that is ready now has been taken."""
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        lights = tuple(self._lights[name] for name in sorted(self._lights))
        people = tuple(self._people.values())
        self.snapshot.set(Snapshot(self._service, people, lights, can_add=self._can_add))


def person_of(known: Person, facts: AccountFacts) -> Person:
    """``known`` with the newest facts."""
    return replace(
        known,
        name=facts.name,
        presence=facts.presence,
        fresh=facts.fresh,
        changed_at=facts.changed_at,
        polled_at=facts.polled_at,
        valid_until=facts.valid_until,
        sign_in=facts.sign_in,
    )


def service_of(known: Service, health: Health) -> Service:
    """``known`` with the newest health."""
    return replace(
        known,
        reconnects=health.mqtt_reconnects,
        waiting=health.queue,
        healthy=health.healthy,
        reason=health.reason,
        last_poll_ok=health.last_poll_ok,
        last_poll_attempt=health.last_poll_attempt,
        consecutive_failures=health.consecutive_failures,
        next_poll=health.next_poll,
        next_poll_why=health.next_poll_why,
        throttled_until=health.throttled_until,
        requests_last_hour=health.requests_last_hour,
        requests_allowed_hour=health.requests_allowed_hour,
    )


def light_of(known: Light, leaf: str, payload: bytes) -> Light | None:
    """``known`` after a message; ``None`` when its driver was removed from the broker.

    Raises:
        ContractError: The message is none of a driver's.
    """
    match leaf:
        case "state":
            return replace(known, online=payload == ONLINE.encode()) if payload else None
        case "light/availability":
            return replace(known, reachable=payload == ONLINE.encode())
        case "light/rule":
            rule = decode(Rule, payload) if payload else Rule()
            return replace(
                known, rule=rule.rule, account=rule.account, mode=rule.mode, look=rule.look
            )
    raise ContractError(f"{leaf} is no topic of a driver's light")
