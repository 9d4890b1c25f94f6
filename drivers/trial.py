"""``pair`` and ``test``: a lamp by hand, without accounts. Never follows anybody."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import BaseModel

from bridge.config import Config
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError
from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from bridge.contract.wire import Message
from drivers.base import Kind, Surroundings
from drivers.lamp import Lamp
from drivers.settings import Common


class _NoBus:
    """Stands where a broker would be: a trial of most kinds needs none."""

    def publish(self, message: Message) -> None:
        raise ConfigError([f"this kind needs the running driver to reach {message.topic}"])

    def follow(self, _topic_filter: str, _handler: Any) -> None:
        return


def _around(name: str, config: Config) -> Surroundings:
    return Surroundings(name, config.state_dir, SystemClock(), _NoBus())


async def pair(name: str, config: Config, kind: Kind[Any], options: BaseModel) -> None:
    """Pair with the lamp.

    Raises:
        ConfigError: The kind needs no pairing.
        PresenceBridgeError: As the kind raises.
    """
    if kind.pair is None:
        raise ConfigError([f"kind {kind.name!r} needs no pairing"])
    await kind.pair(options, _around(name, config))


async def cycle(
    name: str,
    config: Config,
    common: Common,
    kind: Kind[Any],
    options: BaseModel,
    *,
    seconds: float,
) -> None:
    """Show every look for ``seconds``, then leave the lamp as ``on_exit`` says."""
    clock, target = SystemClock(), Latest[LightState | None](None)
    rules = common.rules(config)
    async with kind.open(options, _around(name, config)) as light:
        lamp = Lamp(light, kind, name=name, target=target, clock=clock, reachable=lambda _: None)
        try:
            async with asyncio.TaskGroup() as tasks:
                showing = tasks.create_task(lamp.run(), name="lamp")
                for look_name, look in rules.looks.items():
                    print(look_name, flush=True)  # noqa: T201 - the command's answer
                    target.set(look.state(rules.scale))
                    await clock.sleep(seconds)
                showing.cancel()
        finally:
            await lamp.leave(common.on_exit)
