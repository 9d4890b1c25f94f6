"""The figures of each kind of light: message to device call, start, memory, newest wins.

Drivers are processes, between a real Mosquitto and a stand-in of the device in here, which notes
when it is called. A figure is from the publish in here to that moment: the broker, the way back
and the stand-in are in it. Never compares with a target: ``bench.rows`` does.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bench import bare
from bench.light_devices import DEVICES, LIBRARIES, Device
from bench.rig import DEADLINE_S, Rig, resident_mib
from bench.spread import spread
from bridge.broker.dial import WILL_DELAY_S
from bridge.config.tables.base import Settings
from bridge.contract.account import AccountFacts
from bridge.contract.clock import SystemClock
from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from bridge.contract.presence import Availability, Presence
from bridge.contract.wire import encode_account_state
from drivers.base import Kind, Surroundings
from drivers.runtime.lamp import Lamp
from tests.fakes.light import FakeLight

TURNS = (Availability.AVAILABLE, Availability.BUSY)
ACCOUNT = "lamps"
"""An account of its own: the bridge of the other figures has published about alice."""


async def kinds(rig: Rig, *, changes: int, starts: int) -> dict[str, dict[str, Any]]:
    """By kind: latency in ms, start in s beside that of its libraries, memory in MiB."""
    await asyncio.sleep(WILL_DELAY_S + 1)  # for the will of a bridge that another figure has ended
    await _publish(rig, rig.topics.bridge_state, b"online")
    await _publish(rig, rig.topics.account(ACCOUNT, "availability"), b"online")
    measured = {}
    for name, made in DEVICES.items():
        async with made(rig) as device:
            measured[name] = await _kind(rig, name, device, changes=changes, starts=starts)
        if name in LIBRARIES:
            measured[name]["memory_mib"] = max(
                measured[name]["memory_mib"], await _memory_without_device(rig, LIBRARIES[name])
            )
    return measured


async def newest_wins() -> dict[str, Any]:
    """Ten changes in 100 ms to a light that takes 50 ms and asks for no pace: what it was told."""
    clock, target = SystemClock(), Latest[LightState | None](None)
    light = FakeLight(clock, takes_s=0.05)
    kind = Kind(name="slow", options=Settings, open=_never, min_interval_s=0.0)
    lamp = Lamp(light, kind, name="slow", target=target, clock=clock, reachable=lambda _: None)
    running = asyncio.create_task(lamp.run())
    began_s = time.monotonic()
    for number in range(10):
        await asyncio.sleep(began_s + number * 0.01 - time.monotonic())
        target.set(LightState(color=(number, 0, 0)))
    async with asyncio.timeout(DEADLINE_S):
        while light.shows != target.value:  # noqa: ASYNC110 - a light wakes nobody
            await asyncio.sleep(0.005)
    await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.wait({running})
    return {"writes": len(light.written), "ends_on_the_last": light.shows == target.value}


async def _kind(
    rig: Rig, name: str, device: Device, *, changes: int, starts: int
) -> dict[str, Any]:
    _configure(rig, device.config)
    took_s, libraries = await _starts(rig, name, device, starts)
    device.forget()
    async with _driver(rig, device) as process:
        await device.next_call()
        took_ms = []
        for number in range(changes):
            await asyncio.sleep(device.rest_s)
            device.forget()
            began_s = time.monotonic()
            await _be(rig, TURNS[(number + 1) % 2])
            took_ms.append((await device.next_call() - began_s) * 1000)
        memory_mib = resident_mib(process)
    return {
        "latency_ms": spread(took_ms),
        "start_s": {
            "median_s": statistics.median(took_s),
            "max_s": max(took_s),
            "libraries_s": statistics.median(libraries),
            "n": starts,
        },
        "memory_mib": memory_mib,
    }


async def _starts(
    rig: Rig, name: str, device: Device, starts: int
) -> tuple[list[float], list[float]]:
    """Seconds to the first call, and in turn those of a Python with the kind's libraries alone."""
    took_s, libraries = [], []
    for _ in range(starts):
        libraries.append(await bare.start_s(name, device.alone))
        await _be(rig, TURNS[0])
        device.forget()
        began_s = time.monotonic()
        async with _driver(rig, device):
            took_s.append(await device.next_call() - began_s)
            # it reads back and tells; to end it now would cut that off
            await asyncio.sleep(device.rest_s)
    return took_s, libraries


async def _memory_without_device(rig: Rig, config: str) -> float:
    """With the real library in place of the stand-in; it is loaded once it has found no device."""
    _configure(rig, config)
    since = len(rig.heard)
    async with _driver(rig, Device(config)) as process:
        topic = rig.topics.light("lamp", "availability")
        async with asyncio.timeout(DEADLINE_S):
            while (heard := await rig.until(topic, since=since, live=True)).payload != b"offline":
                since = rig.heard.index(heard) + 1
        return resident_mib(process)


@asynccontextmanager
async def _driver(rig: Rig, device: Device) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The driver called ``lamp``."""
    command = [sys.executable, "-m", "drivers", "lamp", "--config", str(rig.folder / "lights.toml")]
    with (rig.folder / "lights.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not awaited
            command, stdout=subprocess.PIPE, stderr=log, env={**os.environ, **device.environment}
        )
    loop, pipe = asyncio.get_running_loop(), process.stdout
    assert pipe is not None

    def read() -> None:
        if os.read(pipe.fileno(), 65_536) and device.prints:
            device.called()

    loop.add_reader(pipe.fileno(), read)
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, DEADLINE_S)  # its device goes on in here meanwhile
        loop.remove_reader(pipe.fileno())
        pipe.close()


def _configure(rig: Rig, lamp: str) -> None:
    text = f"""
state_dir = "lights"
[mqtt]
host = "127.0.0.1"
port = {rig.mqtt_port}
[drivers.lamp]
follow = ["{ACCOUNT}"]
{lamp}
"""
    (rig.folder / "lights.toml").write_text(text, encoding="utf-8")


async def _be(rig: Rig, availability: Availability) -> None:
    now = datetime.now(UTC)
    facts = AccountFacts(
        ACCOUNT,
        ACCOUNT,
        presence=Presence(availability=availability),
        polled_at=now,
        valid_until=now + timedelta(hours=1),
    )
    await _publish(rig, rig.topics.account(ACCOUNT, "state"), encode_account_state(facts))


async def _publish(rig: Rig, topic: str, payload: bytes) -> None:
    await rig.client.publish(topic, payload, qos=1, retain=True)


def _never(_options: Settings, _around: Surroundings) -> Any:
    raise AssertionError("this light is open")
