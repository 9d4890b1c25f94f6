"""A Hue lamp that was there before us, and a plug: the program, a hub over TLS, and a broker."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.clock import SystemClock
from drivers.base import Surroundings
from drivers.hue import KIND
from drivers.hue.options import HueOptions
from drivers.testing import FakeBus
from tests.fakes.forks import Forks
from tests.fakes.hue_hub import HueHub, color_light, plug, white_light
from tests.fakes.mosquitto import running
from tests.fakes.subscriber import subscriber
from tests.integration.test_driver_program import CONFIG, LIGHT, Desk

pytestmark = pytest.mark.broker

SOON_S = 30.0
WARM = {"on": True, "bri": 120, "ct": 447, "colormode": "ct", "effect": "none"}
COLD = {"on": True, "bri": 30, "ct": 153, "colormode": "ct", "effect": "none"}
LOOKS = "[drivers.desk.looks]\navailable = { give_back = true }\n"
CALL = "busy/in_a_call"


class Room:
    """The desk, its hub, and whoever else uses the lamp."""

    def __init__(self, desk: Desk, hub: HueHub) -> None:
        self.desk, self.hub = desk, hub
        self._driver: subprocess.Popen[str] | None = None

    def choose(self, light: str, tables: str = "") -> None:
        self.desk.configure(
            f'[drivers.desk]\nkind = "hue"\nfollow = ["alice"]\ngrace = 1\n'
            f'hub = "{self.hub.address}"\nlight = "{light}"\ntransition = 0\n{tables}'
        )

    def shows(self, number: int = 1) -> dict[str, Any]:
        state = self.hub.values(number)
        keys = ["on"] if not state["on"] else list(WARM)
        return {key: state[key] for key in keys if key in state}

    async def until(self, fact: Callable[[], object]) -> None:
        async with asyncio.timeout(SOON_S):
            while not fact():  # noqa: ASYNC110 - a hub tells nobody
                await asyncio.sleep(0.02)

    @property
    def is_taken(self) -> bool:
        """Whether the driver has kept how it found the lamp."""
        file = self.desk.folder / "state" / "lights" / "desk.json"
        return file.exists() and json.loads(file.read_bytes())["found"] is not None

    async def start(self) -> None:
        self._driver = self.desk.start("desk")
        await self.desk.mqtt.until_text("presence/driver/desk/state", "online")

    async def end(self, by: signal.Signals) -> None:
        driver, self._driver = self._driver, None
        if driver:
            driver.send_signal(by)
            await asyncio.to_thread(driver.communicate, timeout=SOON_S)
            await self.desk.mqtt.until_text("presence/driver/desk/state", "offline")


@asynccontextmanager
async def paired(hub: HueHub, folder: Path) -> AsyncIterator[None]:
    async with hub.running():
        hub.link_button = True
        around = Surroundings("desk", folder / "state", SystemClock(), FakeBus())
        assert KIND.pair is not None
        await KIND.pair(HueOptions(hub=hub.address, light=1), around)
        yield


@pytest.fixture
async def room(tmp_path: Path, forks: Forks) -> AsyncIterator[Room]:
    lights = {"1": color_light("Desk", **WARM), "2": plug("Sign"), "3": white_light("Hall")}
    hub = HueHub(tmp_path, lights=lights)
    async with (
        running(tmp_path) as broker,
        subscriber(broker.port) as mqtt,
        paired(hub, tmp_path),
    ):
        built = Room(Desk(tmp_path, broker, mqtt, forks), hub)
        try:
            yield built
        finally:
            await built.end(signal.SIGTERM)


async def test_warm_white_after_each_call_and_then_hands_off(room: Room) -> None:
    room.choose("Desk", LOOKS)
    await room.desk.person("alice", "available")
    await room.start()
    for found in (WARM, COLD, {**WARM, "effect": "colorloop"}, {"on": False}):
        room.hub.values().update(found)
        await room.desk.person("alice", CALL)
        await room.until(lambda: room.shows().get("colormode") == "xy")
        assert room.shows()["effect"] == "none"
        await room.desk.person("alice", "available")
        await room.until(lambda: room.shows() == found)  # noqa: B023 - waited for here
    puts = len(room.hub.puts)
    room.hub.values().update(COLD)  # by the app
    await asyncio.sleep(6)  # longer than until the next look after the lamp
    assert room.shows() == COLD
    assert len(room.hub.puts) == puts
    await room.desk.person("alice", CALL)
    await room.until(lambda: room.shows().get("colormode") == "xy")
    await room.end(signal.SIGTERM)
    assert room.shows() == COLD


async def test_a_driver_that_is_killed_in_a_call_still_knows_what_it_found(room: Room) -> None:
    room.choose("Desk", LOOKS)
    await room.desk.person("alice", CALL)
    await room.start()
    await room.until(lambda: room.shows().get("colormode") == "xy")
    await room.until(lambda: room.is_taken)
    await room.end(signal.SIGKILL)
    assert room.shows()["colormode"] == "xy"
    puts = len(room.hub.puts)
    await room.desk.person("alice", "busy/in_a_meeting")
    await room.start()
    await room.until(lambda: len(room.hub.puts) > puts and room.shows()["bri"] == 254)
    await room.desk.person("alice", "available")
    await room.until(lambda: room.shows() == WARM and not room.is_taken)
    await room.end(signal.SIGKILL)
    room.hub.values().update(COLD)
    puts = len(room.hub.puts)
    await room.start()
    await room.desk.mqtt.until(f"{LIGHT}/rule", lambda heard: "available" in heard.text)
    assert len(room.hub.puts) == puts


async def test_a_plug_says_that_somebody_is_on_air_with_no_looks_written(room: Room) -> None:
    room.choose("Sign")
    await room.start()
    for presence, lit in (
        ("busy/presenting", True),
        ("available", False),
        (CALL, True),
        ("busy/busy", False),
        ("do_not_disturb", True),
    ):
        await room.desk.person("alice", presence)
        await room.until(lambda: room.hub.values(2)["on"] is lit)  # noqa: B023 - as above
    await room.desk.mqtt.publish("presence/bridge/state", "offline", retain=True)
    await room.until(lambda: not room.hub.values(2)["on"])
    assert {tuple(body) for _, body in room.hub.puts} <= {("on",), ("on", "transitiontime")}
    await room.desk.mqtt.until(CONFIG, lambda heard: '["onoff"]' in heard.text)
    assert room.desk.mqtt.last[f"{LIGHT}/state"].json["color_mode"] == "onoff"
    _, out, _ = await room.desk.run("preview", "desk", "--presence", "busy/in_a_call")
    assert out.splitlines()[0] == "on, solid"
    assert "on and off only" in out


async def test_nothing_but_its_own_looks_ever_lights_a_plug(room: Room) -> None:
    """Not even for the moment in which nobody has asked yet what it can do."""
    room.choose("Sign")
    await room.desk.person("alice", "available")
    await room.start()
    await room.until(lambda: room.hub.puts)
    await room.desk.mqtt.until(f"{LIGHT}/rule", lambda heard: "onoff" in heard.text)
    assert [body for _, body in room.hub.puts] == [{"on": False}]


async def test_a_white_bulb_is_dimmed_by_what_goes_on(room: Room) -> None:
    room.choose("Hall", "[drivers.desk.looks]\nin_a_call = { brightness = 1.0 }\n")
    await room.start()
    levels = []
    for presence in (CALL, "busy/in_a_meeting", "available"):
        before = room.hub.values(3)["bri"]
        await room.desk.person("alice", presence)
        await room.until(lambda: room.hub.values(3)["bri"] != before)  # noqa: B023 - as above
        levels.append(room.hub.values(3)["bri"])
    assert levels == sorted(set(levels), reverse=True)
    await room.desk.mqtt.until(CONFIG, lambda heard: '["brightness"]' in heard.text)


async def test_the_lamp_that_is_not_there_when_it_is_given_back_gets_it_later(room: Room) -> None:
    room.choose("Desk", LOOKS)
    await room.desk.person("alice", CALL)
    await room.start()
    await room.until(lambda: room.shows().get("colormode") == "xy")
    room.hub.behaves = "503"
    await room.desk.person("alice", "available")
    await room.desk.mqtt.until_text(f"{LIGHT}/availability", "offline")
    room.hub.behaves = ""
    await room.until(lambda: room.shows() == WARM)
    await room.desk.mqtt.until_text(f"{LIGHT}/availability", "online")
