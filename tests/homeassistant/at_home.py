"""Starts everything: Microsoft, broker, bridge, lamp, a real Home Assistant, bulbs and a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bridge.contract.clock import SystemClock
from bridge.demo.certificate import make_certificate
from bridge.demo.directory import household
from bridge.demo.microsoft import SimulatedMicrosoft
from tests.e2e.conftest import Stage
from tests.fakes.mosquitto import free_port
from tests.fakes.mosquitto import running as broker_running
from tests.fakes.subscriber import subscriber
from tests.homeassistant.blueprints import import_all
from tests.homeassistant.bulb import bulbs
from tests.homeassistant.household import ACTIVITY, CONFIG, HELPERS, LAMP, Household
from tests.homeassistant.phone import paired
from tests.homeassistant.server import running


@asynccontextmanager
async def at_home(folder: Path) -> AsyncIterator[Household]:
    """Alice is signed in and available, her lamp follows her, all bulbs are off."""
    people, certificate = household(SystemClock()), make_certificate(folder)
    async with (
        SimulatedMicrosoft(people.directory, certificate) as microsoft,
        broker_running(folder) as broker,
        subscriber(broker.port) as mqtt,
    ):
        microsoft.codes.interval_s = 1
        stage = Stage(folder, microsoft, people, broker, mqtt)
        stage.configure(CONFIG, web=f"port = {free_port()}")
        try:
            stage.start("bridge", "run")
            stage.start("drivers", "lamp")
            async with (
                running(folder / "home_assistant", broker.port, HELPERS) as (server, hass),
                bulbs(broker.port) as lights,
                paired(hass, free_port()) as phone,
                AsyncExitStack() as later,
            ):
                built = Household(stage, server, hass, lights, phone, later)
                await built.sign_in()
                await built.sign_bob_in()
                await hass.until_state(ACTIVITY, "available")
                await hass.until_state(LAMP, "on")
                await import_all(hass)
                yield built
        finally:
            stage.end()
