"""One driver process: hears presence and commands, decides, shows, and tells what it shows.

Never blocks on the light: the newest decision waits in a slot while the light is slow or away.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterator
from random import random as _random
from typing import Any

from pydantic import BaseModel

from bridge.broker import Broker, Connect, Received
from bridge.broker.connection import connect as mqtt
from bridge.config.host import HostConfig
from bridge.config.zone import told
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError
from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from bridge.contract.supervised import supervised
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message, decode, encode_json
from bridge.retry import Random
from drivers.base import Capability, Kind, Light, Restorable, Surroundings
from drivers.discovery import light_device
from drivers.following import Following
from drivers.garbage import Garbage
from drivers.lamp import Lamp
from drivers.manual import Command, light_state, obey
from drivers.memory import Memory
from drivers.rules import Decision, Shown, choose
from drivers.rules.defaults import SHIPPED_LOOKS, UNKNOWN
from drivers.rules.turn import until_turn
from drivers.settings import Common
from drivers.spoken import Spoken, left_behind
from drivers.taking import Taking

log = logging.getLogger(__name__)

BIRTH_LEAST_S, BIRTH_MOST_S = 1.0, 5.0
BEAT_S = 115.0
"""All is said again this often: what others erased is right again within two minutes."""
LOOK_AGAIN_S = 30.0
"""The longest between two looks at the clock: schedule and expiry turn without a message."""
CONNECTION_EVERY_S = 2.0
"""Between two looks whether the broker is there."""


class Runner:
    """Everything of one ``[drivers.NAME]``."""

    def __init__(
        self,
        name: str,
        *,
        config: HostConfig,
        common: Common,
        kind: Kind[Any],
        options: BaseModel,
        clock: Clock,
        connect: Connect = mqtt,
        random: Random = _random,
    ) -> None:
        self._name, self._config, self._common = name, config, common
        self._kind, self._options = kind, options
        self._clock, self._random = clock, random
        self._topics = config.topics
        self._capability = kind.capability
        self._rules = common.rules(config, self._capability)
        self._following = Following(self._topics, common.follow, clock)
        self._memory, self._garbage = Memory(config.state_dir, name, kind, options), Garbage()
        self._decision = Decision(None, "nothing heard yet")
        self._decided = False
        self._apart = self._following.bridge_clock.apart
        self._target: Latest[Shown] = Latest(None)
        self._reachable = True
        self._births = asyncio.Event()
        self._spoken = Spoken(config, name)
        self._broker = Broker(
            config.mqtt,
            client_id=config.mqtt.client_id_of(f"driver-{name}"),
            state_topic=self._topics.driver_state(name),
            welcome=self._welcome,
            acknowledged=self._spoken.acknowledged,
            clock=clock,
            random=random,
            connect=connect,
        )

    async def run(self) -> None:
        """Run until cancelled; then leave the light as ``on_exit`` says."""
        if self._rules.hours:
            log.info("%s: %s", self._name, told(self._config, self._clock.now()))
        self._memory.load()
        self._be_capable(self._memory.capability or self._capability)
        self._target.set(self._memory.mode.shows(None))  # a person's choice waits for no bridge
        self._spoken.load()
        for other in left_behind(self._config, self._name):
            log.info("%s is in the config no more: presence-driver forget %s", other, other)
        self._following.attach(self._broker)
        self._broker.subscribe(
            self._topics.light(self._name, "set"), self._take_command, commands=True
        )
        if self._config.homeassistant.enabled:
            for number, topic in enumerate(self._topics.births):
                self._broker.subscribe(topic, self._take_birth, optional=number > 0)
        around = Surroundings(self._name, self._config.state_dir, self._clock, self._broker)
        async with self._kind.open(self._options, around) as light:
            lamp = self._lamp(light)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._broker.run(), name="broker")
                for work in (
                    self._decide_for_ever,
                    self._watch_connection,
                    self._answer_births,
                    self._beat,
                ):
                    tasks.create_task(self._supervised(work), name=work.__name__.strip("_"))
                try:
                    await self._supervised(lamp.run)
                finally:
                    await lamp.leave(self._common.on_exit)
                    await self._memory.close()
                    await self._spoken.close()

    def _lamp(self, light: Light) -> Lamp:
        if self._rules.give_back and not isinstance(light, Restorable):
            log.warning(
                "%s cannot be read: where it would be given back it is switched off", self._name
            )
        return Lamp(
            light,
            self._kind,
            name=self._name,
            target=self._target,
            clock=self._clock,
            reachable=self._set_reachable,
            taking=Taking(light, self._memory),
            capable=self._learn,
            watch_others=self._common.respect_others,
            random=self._random,
        )

    async def _supervised(self, work: Callable[[], Awaitable[None]]) -> None:
        await supervised(work, name=self._name, clock=self._clock, failed=self._failed)

    def _failed(self, _error: Exception) -> None:
        """Nothing old is shown for ever; what goes on decides anew."""
        looks = SHIPPED_LOOKS[self._capability]  # the rules of the lamp may be what fails
        self._take(Decision(looks[UNKNOWN].state(), "internal error"))

    async def _watch_connection(self) -> None:
        while True:
            self._following.note_connection()
            await self._clock.sleep(CONNECTION_EVERY_S)

    async def _decide_for_ever(self) -> None:
        heard = self._following.heard
        while True:
            self._following.forget_who_left()
            version = heard.version
            self._decide()
            await heard.newer(version, within_s=self._until_turn(), clock=self._clock)

    def _decide(self) -> None:
        heard, now = self._following.heard.value, self._clock.now()
        away_s = self._clock.monotonic() - heard.gone_since_s
        may_return = not heard.bridge_online and away_s < self._common.grace
        if may_return and (self._decided or heard.bridge_online is None):
            return
        self._decided = True
        gone = "" if heard.bridge_online else "bridge" if self._broker.connected else "broker"
        bridge_now = self._following.bridge_clock.now()
        if self._apart != self._following.bridge_clock.apart:
            self._apart = self._following.bridge_clock.apart
            self._broker.publish(self._rule_message())
        self._take(choose(self._rules, heard.facts, now, bridge_now=bridge_now, gone=gone))

    def _take(self, decision: Decision) -> None:
        if decision != self._decision:
            self._decision = decision
            log.info("%s: %s%s", self._name, decision.rule, _of(decision.account))
            self._show()

    def _until_turn(self) -> float:
        """Seconds until the clock alone may change the decision."""
        heard, clock = self._following.heard.value, self._clock
        patience_s = math.inf
        if not heard.bridge_online:
            gone_s = clock.monotonic() - heard.gone_since_s
            patience_s = self._common.grace - gone_s
        bridge_now = self._following.bridge_clock.now()
        turn_s = until_turn(self._rules, heard.facts, clock.now(), bridge_now)
        return min(wait for wait in (LOOK_AGAIN_S, patience_s, turn_s) if wait > 0) + 0.01

    def _show(self) -> None:
        target = self._memory.mode.shows(self._decision.state)
        if target != self._target.value:
            self._target.set(target)
        for message in (self._state_message(), self._rule_message()):
            self._broker.publish(message)

    def _take_command(self, received: Received) -> None:
        if received.retain:
            return
        try:
            command = decode(Command, received.payload)
        except ContractError as error:
            self._garbage.found(received.topic, error)
            return
        self._garbage.good(received.topic)
        mode = obey(self._memory.mode, command, self._target.value)
        if mode != self._memory.mode:
            self._memory.mode = mode
            log.info("%s: %s", self._name, mode.name)
        self._show()

    def _take_birth(self, received: Received) -> None:
        if received.payload.strip().lower() == ONLINE.encode():
            self._births.set()

    async def _answer_births(self) -> None:
        while True:
            await self._births.wait()
            await self._clock.sleep(BIRTH_LEAST_S + self._random() * (BIRTH_MOST_S - BIRTH_LEAST_S))
            self._births.clear()
            self._say_again()

    async def _beat(self) -> None:
        while True:
            await self._clock.sleep(BEAT_S)
            self._say_again()

    def _say_again(self) -> None:
        online = Message(self._topics.driver_state(self._name), ONLINE.encode())
        for message in (*self._welcome(), online):
            self._broker.publish(message, beat=True)

    def _set_reachable(self, reachable: bool) -> None:  # noqa: FBT001 - the value itself
        if reachable != self._reachable:
            self._reachable = reachable
            self._broker.publish(self._availability_message())

    def _learn(self, capability: Capability) -> None:
        """The light has told what it can do: other looks may be its own, and other words of it."""
        self._memory.capability = capability
        if capability is not self._capability:
            self._be_capable(capability)
            self._decide()
            self._births.set()

    def _be_capable(self, capability: Capability) -> None:
        self._capability = capability
        self._rules = self._common.rules(self._config, capability)

    def _welcome(self) -> Iterator[Message]:
        yield from self._spoken.removals()
        if self._config.homeassistant.enabled:
            yield light_device(
                self._topics,
                self._name,
                name=self._common.name or self._name,
                kind=self._kind.name,
                color_modes={self._capability},
            )
        yield self._state_message()
        yield self._rule_message()
        yield self._availability_message()

    def _availability_message(self) -> Message:
        payload = ONLINE if self._reachable else OFFLINE
        return Message(self._topics.light(self._name, "availability"), payload.encode())

    def _state_message(self) -> Message:
        payload = light_state(self._memory.mode, self._target.value, {self._capability})
        return Message(self._topics.light(self._name, "state"), encode_json(payload))

    def _rule_message(self) -> Message:
        shown = self._target.value
        payload = {
            "rule": self._decision.rule,
            "account": self._decision.account,
            "mode": self._memory.mode.name,
            "look": shown.model_dump(mode="json") if isinstance(shown, LightState) else None,
            "capability": self._capability,
            "clock_apart_s": round(self._apart.total_seconds()),
        }
        return Message(self._topics.light(self._name, "rule"), encode_json(payload))


def _of(account: str | None) -> str:
    return f" ({account})" if account else ""
