"""``pair`` and ``test``: a lamp by hand, without accounts."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from bridge.broker import Broker, visit
from bridge.config.tables.shared import HostConfig
from bridge.contract.clock import SystemClock
from bridge.contract.errors import (
    ConfigError,
    LightRefusedError,
    LightUnreachableError,
    PersonMustActError,
)
from bridge.contract.latest import Latest
from bridge.contract.topics import ONLINE
from bridge.contract.wire import Message, encode_json
from drivers.base import Capability, Kind, Light, Surroundings, Words
from drivers.rules import Shown
from drivers.runtime.abilities import Abilities
from drivers.runtime.by_hand import EACH_S
from drivers.runtime.lamp import Lamp
from drivers.settings import LampConfig

BROKER_S, LOOK_S = 10.0, 0.05
"""The longest that the broker is waited for before the first look, and between two looks at it."""


def _around(name: str, config: HostConfig, broker: Broker) -> Surroundings:
    return Surroundings(name, config.state_dir, SystemClock(), broker)


def _broker(name: str, config: HostConfig) -> Broker:
    """The broker, for a kind that reaches its light through it; connects only when run.

    A driver of this name that runs meanwhile hears the goodbye of the trial and corrects it.
    """
    topics = config.topics
    return Broker(
        config.mqtt,
        client_id=config.mqtt.client_id_of(f"driver-{name}-trial"),
        state_topic=topics.driver_state(name),
        welcome=tuple,
        clock=SystemClock(),
    )


async def pair(lamp: LampConfig) -> None:
    """Pair with the lamp."""
    name, config, _, kind, options = lamp
    if kind.pair is None:
        raise ConfigError([f"kind {kind.name!r} needs no pairing"])
    await kind.pair(options, _around(name, config, _broker(name, config)))


async def cycle(configured: LampConfig, *, seconds: float) -> None:
    """Show every look for ``seconds``, then leave the lamp as ``on_exit`` says."""
    name, config, common, kind, options = configured
    if not kind.shines:
        return await _by_its_driver(name, config)
    answered = set[bool]()
    clock, target, words = SystemClock(), Latest[Shown](None), Latest(Words())
    broker = _broker(name, config)

    async with kind.open(options, _around(name, config, broker)) as light:
        lamp = Lamp(
            light,
            kind,
            name=name,
            target=target,
            clock=clock,
            reachable=answered.add,
            words=lambda: words.value,
        )
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(lamp.run(), name="lamp")]
            if kind.uses_bus:
                running.append(tasks.create_task(broker.run(), name="broker"))
                await _connected(broker)
            try:
                rules = common.rules(config, await _capability(light, kind))
                for look_name, look in rules.looks.items():
                    print(look_name, flush=True)  # noqa: T201 - the command's answer
                    words.set(Words(look=look_name))
                    target.set(look.shown(rules.scale))
                    await clock.sleep(seconds)
            finally:
                running[0].cancel()
                await asyncio.wait(running[:1])
                await lamp.leave(common.on_exit)
                for task in running:
                    task.cancel()
    if True not in answered:
        raise LightUnreachableError(f"{name} showed nothing: the lines above say why")
    return None


async def _by_its_driver(name: str, config: HostConfig) -> None:
    """Have the driver that runs show each look, where nothing shines but what it publishes."""
    state = config.topics.driver_state(name)
    heard = await visit(config.mqtt, follow=[state], within_s=BROKER_S)
    if not any(received.payload == ONLINE.encode() for received in heard):
        raise PersonMustActError(
            f"{name} does not run, and only what its driver publishes can be seen of it.",
            remedy=f"Start it, presence-driver {name}, and then test it.",
        )
    command = Message(config.topics.light(name, "set"), encode_json({"try": True}), retain=False)
    await visit(config.mqtt, publish=[command])
    print(f"{name} shows each look for {EACH_S:g} s.")  # noqa: T201 - the command's answer


async def _connected(broker: Broker) -> None:
    """Wait for the broker, so that the first look is not lost; whoever is away is told of later."""
    clock = SystemClock()
    ends_s = clock.monotonic() + BROKER_S
    while not broker.connected and clock.monotonic() < ends_s:
        await clock.sleep(LOOK_S)


async def _capability(light: Light, kind: Kind[Any]) -> Capability:
    abilities = Abilities(light, kind)
    if abilities.capable:
        with suppress(LightUnreachableError, LightRefusedError):
            return await abilities.answered(abilities.capable.capability())
    return kind.capability
