"""A bulb behind zigbee2mqtt and its kin, as Home Assistant sees it: JSON on MQTT."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt

from tests.fakes.tasks import end

WHITE = {"state": "ON", "brightness": 120, "color_mode": "color_temp", "color_temp": 370}
DARK = {"state": "OFF"}


@dataclass
class Bulb:
    """One bulb; ``shows`` is what it reports, ``commands`` what it was sent."""

    client: aiomqtt.Client
    name: str
    modes: tuple[str, ...] = ("rgb", "color_temp")
    shows: dict[str, Any] = field(default_factory=lambda: dict(DARK))
    commands: list[dict[str, Any]] = field(default_factory=list)

    @property
    def entity_id(self) -> str:
        return f"light.{self.name}"

    async def announce(self) -> None:
        """Let Home Assistant find it."""
        config = {
            "schema": "json",
            "name": self.name.title(),
            "unique_id": f"bulb_{self.name}",
            "default_entity_id": self.entity_id,
            "command_topic": f"bulb/{self.name}/set",
            "state_topic": f"bulb/{self.name}",
            "availability_topic": f"bulb/{self.name}/availability",
            "supported_color_modes": list(self.modes),
            "brightness": True,
        }
        await self._publish(f"homeassistant/light/{self.name}/config", json.dumps(config))
        await self.be_there(there=True)
        await self.be(self.shows)

    async def be(self, shows: dict[str, Any]) -> None:
        """Change it by hand: its remote control, or the switch on the wall."""
        self.shows = dict(shows)
        await self._publish(f"bulb/{self.name}", json.dumps(self.shows))

    async def be_there(self, *, there: bool) -> None:
        """Give it power or take it away."""
        await self._publish(f"bulb/{self.name}/availability", "online" if there else "offline")

    async def obey(self, command: dict[str, Any]) -> None:
        """Do as Home Assistant says, and report it."""
        self.commands.append(command)
        new = {"state": command["state"]}
        if command["state"] == "ON":
            new = {"brightness": 255, **self.shows, **new}
            for key, mode in (("color", "rgb"), ("color_temp", "color_temp")):
                if key in command:
                    new = {k: v for k, v in new.items() if not k.startswith("color")}
                    new |= {"color_mode": mode, key: command[key]}
            new["brightness"] = command.get("brightness", new["brightness"])
            new.setdefault("color_mode", self.modes[-1])
            if new["color_mode"] == "color_temp":
                new.setdefault("color_temp", 250)
        await self.be(new)

    async def _publish(self, topic: str, payload: str) -> None:
        await self.client.publish(topic, payload, qos=1, retain=True)


@asynccontextmanager
async def bulbs(port: int) -> AsyncIterator[dict[str, Bulb]]:
    """Two coloured bulbs and a white one on the broker on ``port``, until the end of the block."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        built = {name: Bulb(client, name) for name in ("door", "shelf")}
        built["white"] = Bulb(client, "white", ("color_temp",))
        await client.subscribe("bulb/+/set", qos=1)

        async def listen() -> None:
            async for message in client.messages:
                assert isinstance(message.payload, bytes)
                await built[message.topic.value.split("/")[1]].obey(json.loads(message.payload))

        listening = asyncio.create_task(listen(), name="bulbs")
        for bulb in built.values():
            await bulb.announce()
        try:
            yield built
        finally:
            await end(listening)
