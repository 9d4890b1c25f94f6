"""The figures of the service as its users meet it: start, imports, latency.

Compares with no target: ``bench.__main__`` does. The page and discovery are on in all of them.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench import bare
from bench.rig import DEADLINE_S, Reports, Rig, free_port, resident_mib
from bench.spread import spread
from bench.tap import tap

STATES = ("Busy/InACall", "Available/Available")
TURNS = 2000
IMPORTED = re.compile(rb"import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)")
LOAD = """
from contextlib import suppress
from importlib import import_module
from bridge.contract.garbage_collection import loading
with loading():
    for name in {modules}:
        with suppress(ImportError):
            import_module(name)
"""
"""As the bridge loads them; some it only tries to."""
LAMP_REST_S = 0.15
"""The lamp's own shortest interval."""


async def start(rig: Rig, runs: int) -> dict[str, float]:
    """Seconds from ``presence-bridge run`` with a cached token to the first real state.

    In turn with a Python that loads the bridge's libraries and ends: both find the machine alike.
    """
    rig.configure(page_port=free_port())
    async with running(rig):
        pass  # signs in and fills the cache
    taken, libraries = [], []
    for _ in range(runs):
        libraries.append(await bare.start_s("bridge"))
        rig.microsoft.requests.clear()
        since, began_s = len(rig.heard), time.monotonic()
        with rig.program("bridge", "run"):
            heard = await first_presence(rig, since)
        if rig.microsoft.requests.count("token.*"):
            raise RuntimeError("a token was asked for: it was not cached")
        taken.append(heard.at_s - began_s)
    return {
        "median_s": statistics.median(taken),
        "max_s": max(taken),
        "libraries_s": statistics.median(libraries),
        "runs": runs,
    }


async def nearest_script(rig: Rig, runs: int) -> dict[str, float]:
    """Start and memory of ``bench/nearest_script.py`` under the same conditions."""
    topic = "presence/nearest"
    settings = {
        "client_id": rig.home.app.client_id,
        "authority": f"{rig.microsoft.login_url}/{rig.home.tenant.domain}",
        "graph_url": rig.microsoft.graph_url,
        "ca_file": str(rig.microsoft.ca_file),
        "mqtt_port": rig.mqtt_port,
        "topic": topic,
        "cache": str(rig.folder / "nearest.json"),
    }
    command = [sys.executable, "-m", "bench.nearest_script", json.dumps(settings)]
    taken, memory_mib = [], 0.0
    for _ in range(runs + 1):  # the first one signs in and fills the cache
        since, began_s = len(rig.heard), time.monotonic()
        process = subprocess.Popen(command)  # noqa: ASYNC220 - starts at once and is not awaited
        try:
            taken.append((await rig.until(topic, since=since, live=True)).at_s - began_s)
            memory_mib = resident_mib(process)
        finally:
            process.terminate()
            process.wait(DEADLINE_S)
    return {"median_s": statistics.median(taken[1:]), "memory_mib": memory_mib}


async def imports(rig: Rig, runs: int) -> dict[str, Any]:
    """What imports take: of all that a running bridge has loaded, and of its bare libraries.

    Processor seconds, without the start of Python, in turn: other programs lengthen them least.
    """
    rig.configure(page_port=free_port())
    log = rig.folder / "bridge.log"
    log.unlink(missing_ok=True)
    async with running(rig, "-X", "importtime") as process:
        memory_mib = resident_mib(process)
    modules = [name.decode() for name in IMPORTED.findall(log.read_bytes())]
    log.unlink()
    codes = {
        "python_s": "pass",
        "bare_s": f"import {', '.join(bare.LIBRARIES)}",
        "bridge_s": LOAD.format(modules=modules),
    }
    taken: dict[str, list[float]] = {key: [] for key in codes}
    for _ in range(runs):
        for key, code in codes.items():
            taken[key].append(await asyncio.to_thread(bare.processor_s, "-c", code))
    least = {key: min(times) for key, times in taken.items()}
    imported = {key: seconds - least["python_s"] for key, seconds in least.items()}
    memory = {"python": await bare.memory_mib("pass")}
    for count, library in enumerate(bare.LIBRARIES, 1):
        known = ", ".join(bare.LIBRARIES[:count])
        memory[f"+ {library}"] = await bare.memory_mib(f"import {known}")
    return {
        **imported,
        "times": imported["bridge_s"] / imported["bare_s"],
        "memory_mib": {**memory, "the bridge": memory_mib},
    }


async def latency(rig: Rig, changes: int) -> dict[str, dict[str, float]]:
    """Milliseconds from Graph's last byte to PUBLISH on the socket; from the broker to the lamp.

    The first is seen on both connections of the bridge. A lamp is the ``console`` kind: its line on
    a pipe is the call, so one hop through Mosquitto and a pipe are in the second.
    """
    state = rig.topics.account("alice", "state")
    to_publish: list[float] = []
    to_lamp: list[float] = []
    async with tap(rig.mqtt_port) as broker, tap(rig.graph_port) as graph:
        rig.configure(
            fastest=20, steady=20, page_port=free_port(), mqtt_tap=broker.port, graph_tap=graph.port
        )
        async with running(rig):
            rig.configure(fastest=20, steady=20)
            with rig.program("drivers", "lamp") as lamp:
                lines = _lines(lamp)
                await rig.until(rig.topics.light("lamp", "state"))
                for number in range(changes):
                    broker.forget()
                    graph.forget()
                    while not lines.empty():
                        lines.get_nowait()
                    heard = await change(rig, number)
                    sent_s = next(at_s for at_s, chunk in broker.asked if state.encode() in chunk)
                    answered_s = max(at_s for at_s, _ in graph.answered if at_s <= sent_s)
                    to_publish.append((sent_s - answered_s) * 1000)
                    async with asyncio.timeout(DEADLINE_S):
                        to_lamp.append((await lines.get() - heard.at_s) * 1000)
                    await asyncio.sleep(LAMP_REST_S)
    return {"graph_to_publish_ms": spread(to_publish), "broker_to_lamp_ms": spread(to_lamp)}


async def pauses_ms(work_ms: float) -> dict[str, float]:
    """What this machine makes of ``work_ms`` of plain arithmetic, done 2,000 times by itself."""
    return json.loads(await bare.python("-m", "bench.pauses", str(work_ms), str(TURNS)))  # type: ignore[no-any-return]


async def first_presence(rig: Rig, since: int) -> Reports:
    """The first live state of alice that is one: with an availability."""
    return await _state(rig, since, bool)


async def change(rig: Rig, number: int) -> Reports:
    """Let alice be something else, have it polled, and wait until the broker has it."""
    availability, activity = STATES[number % 2].split("/")
    rig.home.directory.change(rig.home.person, availability, activity)
    since = len(rig.heard)
    await rig.client.publish(rig.topics.request("poll"), b"{}", qos=1)
    return await _state(rig, since, lambda now: now == availability.lower())


async def _state(rig: Rig, since: int, wanted: Callable[[str | None], bool]) -> Reports:
    """The first live state of alice with an availability that is ``wanted``: no beat before it."""
    topic = rig.topics.account("alice", "state")
    while True:
        heard = await rig.until(topic, since=since, live=True)
        if wanted(json.loads(heard.payload)["availability"]):
            return heard
        since = rig.heard.index(heard, since) + 1


@asynccontextmanager
async def running(rig: Rig, *python: str) -> AsyncIterator[subprocess.Popen[bytes]]:
    """The bridge, from its first presence on."""
    since = len(rig.heard)
    with rig.program("bridge", "run", python=python) as process:
        await first_presence(rig, since)
        yield process


def _lines(process: subprocess.Popen[bytes]) -> asyncio.Queue[float]:
    """The monotonic time of each line that ``process`` prints."""
    queue: asyncio.Queue[float] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    pipe = process.stdout
    assert pipe is not None

    def read() -> None:
        while pipe.readline():
            loop.call_soon_threadsafe(queue.put_nowait, time.monotonic())

    loop.run_in_executor(None, read)
    return queue
