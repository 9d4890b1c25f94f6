"""One driver process: hears presence and commands, decides, shows, and tells what it shows.

Never blocks on the light: the newest decision waits in a slot while the light is slow or away.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from random import random as _random
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.broker import Broker, Connect, Received
from bridge.broker.connection import connect as mqtt
from bridge.config import HostConfig, StateFile
from bridge.contract.clock import Clock
from bridge.contract.errors import ContractError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, LightState
from bridge.contract.supervised import supervised
from bridge.contract.topics import OFFLINE, ONLINE, Topics
from bridge.contract.wire import Message, decode, encode_json
from bridge.retry import Random
from drivers.base import Kind, Surroundings
from drivers.discovery import light_device
from drivers.following import Following
from drivers.garbage import Garbage
from drivers.lamp import Lamp
from drivers.manual import Command, Mode, light_state, obey
from drivers.rules import Decision, Rules, choose
from drivers.rules.defaults import DEFAULT_LOOKS, UNKNOWN
from drivers.settings import Common

log = logging.getLogger(__name__)

BIRTH_LEAST_S, BIRTH_MOST_S = 1.0, 5.0
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
        self._topics = Topics(config.mqtt.base_topic, config.homeassistant.discovery_prefix)
        self._rules: Rules = common.rules(config)
        self._following = Following(self._topics, common.follow, clock)
        self._mode_file = StateFile(config.state_dir / "lights" / f"{name}.json")
        self._mode, self._garbage = Mode(), Garbage()
        self._decision = Decision(None, "nothing heard yet")
        self._decided = False
        self._target: Latest[LightState | None] = Latest(None)
        self._reachable = True
        self._births = asyncio.Event()
        self._broker = Broker(
            config.mqtt,
            client_id=config.mqtt.client_id_of(f"driver-{name}"),
            state_topic=self._topics.driver_state(name),
            welcome=self._welcome,
            clock=clock,
            random=random,
            connect=connect,
        )

    async def run(self) -> None:
        """Run until cancelled; then leave the light as ``on_exit`` says."""
        self._mode = self._read_mode()
        self._target.set(self._mode.shows(None))  # a person's choice waits for no bridge
        self._following.attach(self._broker)
        self._broker.subscribe(
            self._topics.light(self._name, "set"), self._take_command, commands=True
        )
        if self._config.homeassistant.enabled:
            self._broker.subscribe(self._topics.birth, self._take_birth)
        around = Surroundings(self._name, self._config.state_dir, self._clock, self._broker)
        async with self._kind.open(self._options, around) as light:
            lamp = Lamp(
                light,
                self._kind,
                name=self._name,
                target=self._target,
                clock=self._clock,
                reachable=self._set_reachable,
                watch_others=self._common.respect_others,
                random=self._random,
            )
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._broker.run(), name="broker")
                for work in (self._decide_for_ever, self._watch_connection, self._answer_births):
                    tasks.create_task(self._supervised(work), name=work.__name__.strip("_"))
                try:
                    await self._supervised(lamp.run)
                finally:
                    await lamp.leave(self._common.on_exit)
                    await self._mode_file.close()

    async def _supervised(self, work: Callable[[], Awaitable[None]]) -> None:
        await supervised(work, name=self._name, clock=self._clock, failed=self._failed)

    def _failed(self, _error: Exception) -> None:
        """Nothing old is shown for ever; what goes on decides anew."""
        self._take(Decision(DEFAULT_LOOKS[UNKNOWN].state(), "internal error"))

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
        self._take(choose(self._rules, heard.facts, now, gone=gone))

    def _take(self, decision: Decision) -> None:
        if decision != self._decision:
            self._decision = decision
            log.info("%s: %s%s", self._name, decision.rule, _of(decision.account))
            self._show()

    def _until_turn(self) -> float:
        """Seconds until the clock alone may change the decision."""
        heard, now = self._following.heard.value, self._clock.now()
        waits = [LOOK_AGAIN_S]
        if not heard.bridge_online:
            gone_s = self._clock.monotonic() - heard.gone_since_s
            waits.append(max(0.0, self._common.grace - gone_s))
        waits += [
            (facts.state.valid_until - now).total_seconds()
            for facts in heard.facts.values()
            if facts.state and facts.state.valid_until and facts.state.valid_until > now
        ]
        if self._rules.hours:
            waits.append(_seconds_to_minute(now))
        return min(wait for wait in waits if wait > 0) + 0.01

    def _show(self) -> None:
        target = self._mode.shows(self._decision.state)
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
        mode = obey(self._mode, command, self._target.value or OFF)
        if mode != self._mode:
            self._mode = mode
            self._mode_file.save(mode.model_dump_json())
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
            for message in self._welcome():
                self._broker.publish(message)

    def _set_reachable(self, reachable: bool) -> None:  # noqa: FBT001 - the value itself
        if reachable != self._reachable:
            self._reachable = reachable
            self._broker.publish(self._availability_message())

    def _read_mode(self) -> Mode:
        try:
            return Mode.model_validate_json(self._mode_file.file.read_bytes())
        except FileNotFoundError:
            return Mode()
        except (OSError, ValidationError):
            log.warning("%s cannot be read: following presence again", self._mode_file.file)
            return Mode()

    def _welcome(self) -> Iterator[Message]:
        if self._config.homeassistant.enabled:
            yield light_device(
                self._topics,
                self._name,
                name=self._common.name or self._name,
                kind=self._kind.name,
                color_modes=self._kind.color_modes,
            )
        yield self._state_message()
        yield self._rule_message()
        yield self._availability_message()

    def _availability_message(self) -> Message:
        payload = ONLINE if self._reachable else OFFLINE
        return Message(self._topics.light(self._name, "availability"), payload.encode())

    def _state_message(self) -> Message:
        shown = self._target.value or OFF
        payload = light_state(self._mode, shown, self._kind.color_modes)
        return Message(self._topics.light(self._name, "state"), encode_json(payload))

    def _rule_message(self) -> Message:
        shown = self._target.value
        payload = {
            "rule": self._decision.rule,
            "account": self._decision.account,
            "mode": self._mode.name,
            "look": shown.model_dump(mode="json") if shown else None,
        }
        return Message(self._topics.light(self._name, "rule"), encode_json(payload))


def _of(account: str | None) -> str:
    return f" ({account})" if account else ""


def _seconds_to_minute(now: datetime) -> float:
    return 60.0 - now.second - now.microsecond / 1e6
