"""Starts everything: Microsoft, broker, bridge, lamp, a real Home Assistant, bulbs and a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.contract.clock import SystemClock
from bridge.demo.certificate import make_certificate
from tests.e2e.conftest import Stage
from tests.fakes.forks import Forks
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import household
from tests.fakes.mosquitto import free_port
from tests.fakes.mosquitto import running as broker_running
from tests.fakes.subscriber import subscriber
from tests.homeassistant.blueprints import import_all
from tests.homeassistant.bulb import bulbs
from tests.homeassistant.household import ACTIVITY, CONFIG, HELPERS, LAMPS, Household, start_lamp
from tests.homeassistant.phone import paired
from tests.homeassistant.server import running


@asynccontextmanager
async def at_home(folder: Path) -> AsyncIterator[Household]:
    """Alice is signed in and available, her lamps follow her, all bulbs are off."""
    people, certificate = household(SystemClock()), make_certificate(folder)
    async with (
        ScriptedMicrosoft(people.directory, certificate) as microsoft,
        broker_running(folder) as broker,
        subscriber(broker.port) as mqtt,
    ):
        microsoft.codes.interval_s = 1
        forks = Forks()
        stage = Stage(folder, microsoft, people, broker, mqtt, forks)
        port = free_port()
        stage.configure(CONFIG, web=f"port = {port}")
        try:
            programs = {"bridge": stage.start("bridge", "run")}
            programs |= {lamp: start_lamp(stage, lamp) for lamp in LAMPS}
            async with (
                running(folder / "home_assistant", broker.port, HELPERS) as (server, hass),
                bulbs(broker.port) as lights,
                paired(hass, free_port()) as phone,
                AsyncExitStack() as later,
            ):
                page = f"http://127.0.0.1:{port}/"
                built = Household(stage, programs, page, server, hass, lights, phone, later)
                await built.sign_in()
                await built.sign_bob_in()
                await hass.until_state(ACTIVITY, "available")
                for lamp in LAMPS:
                    await hass.until_state(f"light.{lamp}", "on")
                await import_all(hass)
                yield built
        finally:
            stage.end()
            forks.close()
