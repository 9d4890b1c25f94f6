"""Builds the snapshot of the page from the facts of the bridge and the messages of drivers.

Many values that come at once, as after a bulk read, make one snapshot.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from bridge.contract.account import AccountFacts, Followed
from bridge.contract.errors import ContractError
from bridge.contract.health import Health
from bridge.contract.latest import Latest
from bridge.contract.presence import Presence
from bridge.contract.topics import Topics
from bridge.web.data.broker_messages import LEAVES, driver_name, light_of, refusal_of
from bridge.web.data.page_words import cut
from bridge.web.data.snapshot import BridgeStatus, Light, Person, Refusal, Snapshot, Table

NAME_LIMIT, TEXT_LIMIT = 200, 1_000
"""Characters that are shown of a name and of a text about the bridge or a person."""
_LIMITS = {
    "status_message": TEXT_LIMIT,
    "out_of_office_message": TEXT_LIMIT,
    "raw_availability": NAME_LIMIT,
    "raw_activity": NAME_LIMIT,
    "raw_work_location": NAME_LIMIT,
}
_AS_IT_IS = (
    *("healthy", "failing", "last_poll_ok", "last_poll_attempt", "consecutive_failures"),
    *("next_poll", "throttled_until", "requests_last_hour", "requests_allowed_hour"),
)
"""What of the health is shown as it is."""
LIGHTS = 500
"""Lights that are remembered; whoever may write on the broker could name more."""


class View:
    """Collects; ``snapshot`` is the newest whole."""

    def __init__(self, bridge: BridgeStatus, topics: Topics, *, can_add: bool = False) -> None:
        self._bridge, self._topics, self._can_add = bridge, topics, can_add
        self._people: dict[str, Person] = {}
        self._tables: dict[str, Table] = {}
        self._lights: dict[str, Light] = {}
        self._refusal: Refusal | None = None
        self._flushing: asyncio.Handle | None = None
        self.snapshot: Latest[Snapshot] = Latest(Snapshot(bridge, can_add=can_add))

    @property
    def topic_filters(self) -> Sequence[str]:
        """The topics that ``receive`` takes."""
        lights = [f"{self._topics.base}/driver/+/{leaf}" for leaf in LEAVES]
        return [*lights, self._topics.last_command]

    @property
    def clocks_apart_s(self) -> dict[str, int]:
        """How far our clock is ahead of that of each lamp's host, in seconds, where it is."""
        lights = self._lights.values()
        return {light.name: light.clock_apart_s for light in lights if light.clock_apart_s}

    def follow(self, followed: Mapping[str, Followed], *, added_here: Collection[str] = ()) -> None:
        """Show exactly these people, in this order, also before anything is read of them."""
        before = self._people
        self._people = {
            account: followed_person(
                before.get(account), account, settings, added_here=account in added_here
            )
            for account, settings in followed.items()
        }
        ways = {each.table: each.ways for each in followed.values() if each.table}
        sizes = Counter(each.table for each in followed.values())
        self._tables = {
            name: replace(
                self._tables.get(name, Table(name, 0)), people=sizes[name], ways=ways[name]
            )
            for name in ways
        }
        if list(before.items()) != list(self._people.items()):
            self._soon()

    def update(self, facts: AccountFacts) -> None:
        """Take the newest facts of one account; nothing for who is not followed any more."""
        before = self._people.get(facts.account)
        if before and (person := person_of(before, facts)) != before:
            self._people[facts.account] = person
            if table := self._tables.get(person.table or ""):
                self._tables[table.account] = replace(table, sign_in=person.sign_in)
            self._soon()

    def update_health(
        self,
        health: Health,
        *,
        broker_connected: bool,
        broker: str | None = None,
        broker_dispute: str = "",
        standby: str = "",
        mqtt_version: str | None = None,
    ) -> None:
        """Take the newest health; ``broker`` is the address of the one that is used now."""
        bridge = replace(
            self._bridge,
            reconnects=health.mqtt_reconnects,
            waiting=health.queue,
            reason=cut(health.reason, TEXT_LIMIT),
            next_poll_why=cut(health.next_poll_why, TEXT_LIMIT),
            broker_connected=broker_connected,
            broker=broker or self._bridge.broker,
            broker_dispute=broker_dispute,
            standby=standby,
            mqtt_version=mqtt_version,
            **{name: getattr(health, name) for name in _AS_IT_IS},
        )
        if bridge != self._bridge:
            self._bridge = bridge
            self._soon()

    def receive(self, topic: str, payload: bytes) -> None:
        """Take a message; one that is none of the contract's is ignored."""
        with suppress(ContractError):
            if topic == self._topics.last_command:
                self._refusal = refusal_of(payload)
                self._soon()
            else:
                name, _, leaf = topic.removeprefix(f"{self._topics.base}/driver/").partition("/")
                self._update_light(driver_name(name), leaf, payload)

    def _update_light(self, name: str, leaf: str, payload: bytes) -> None:
        before = self._lights.get(name, Light(name))
        light = light_of(before, leaf, payload)
        if light is None:
            self._lights.pop(name, None)
        elif len(self._lights) < LIGHTS or name in self._lights:
            self._lights[name] = light
        if light != before:
            self._soon()

    def _soon(self) -> None:
        """Make a new snapshot when all that is ready now has been taken."""
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = None
        snapshot = Snapshot(
            self._bridge,
            tuple(self._people.values()),
            tuple(self._lights[name] for name in sorted(self._lights)),
            tables=tuple(self._tables.values()),
            refusal=self._refusal,
            can_add=self._can_add,
        )
        self.snapshot.set(snapshot)


def followed_person(
    before: Person | None, account: str, settings: Followed, *, added_here: bool
) -> Person:
    """Somebody who is followed; ``before`` is what is known of them."""
    return replace(
        before or Person(account, ""),
        name=cut(settings.name, NAME_LIMIT),
        ways=settings.ways,
        added_here=added_here,
        table=settings.table,
        settable=settings.settable,
    )


def person_of(before: Person, facts: AccountFacts) -> Person:
    """``before`` with the newest facts."""
    return replace(
        before,
        name=cut(facts.name, NAME_LIMIT),
        presence=_shown(facts.presence),
        fresh=facts.fresh,
        changed_at=facts.changed_at,
        polled_at=facts.polled_at,
        valid_until=facts.valid_until,
        sign_in=facts.sign_in,
    )


def _shown(presence: Presence | None) -> Presence | None:
    """``presence`` with texts that are not too long to show."""
    if presence is None:
        return None
    cuts = {
        name: cut(text, most)
        for name, most in _LIMITS.items()
        if (text := getattr(presence, name)) and len(text) > most
    }
    return replace(presence, **cuts) if cuts else presence
