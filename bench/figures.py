"""The figures of the service as its users meet it: start, imports, memory, latency, throttling.

Compares with no target: ``bench.__main__`` does. The page and discovery are on in all of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench.rig import DEADLINE_S, Reports, Rig, free_port, resident_mib
from bench.spread import spread
from bench.tap import tap
from tests.fakes.microsoft.faults import Fault

STATES = ("Busy/InACall", "Available/Available")
LIBRARIES = "aiohttp, msal, paho.mqtt.client, pydantic"
A_MODEL = "class Model(pydantic.BaseModel):\n    number: int = pydantic.Field(1, ge=0)"
"""What pydantic needs for its first model is loaded with it, and not by its import."""
DRIVER = "import asyncio, paho.mqtt.client, pydantic"
KINDS = {
    "command": "json",
    "console": "json",
    "http": "http.client",
    "hue": "phue",
    "serial": "serial",
    "mqtt": "json",
    "gpio": "gpiozero, gpiozero.pins.mock",
    "usb": "busylight_core",
    "virtual": "json",
    "wled": "http.client",
    "lifx": "lifx",
    "pixels": "pi5neo",
    "wiz": "pywizlight",
    "yeelight": "yeelight.aio",
}
"""What each kind of light loads beside."""
FLOORS = {
    "bridge": f"import aiohttp.web, {LIBRARIES}\n{A_MODEL}",
    "driver": f"{DRIVER}\n{A_MODEL}",
    **{kind: f"{DRIVER}, {library}\n{A_MODEL}" for kind, library in KINDS.items()},
}
"""The libraries that a program cannot do without, and nothing of its own."""
TURNS = 2000
IMPORTED = re.compile(rb"import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)")
LOAD = """
from contextlib import suppress
from importlib import import_module
from bridge.contract.loading import loading
with loading():
    for name in {modules}:
        with suppress(ImportError):
            import_module(name)
"""
"""As the bridge loads them; some it only tries to."""
READ_MEMORY = (
    "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
)
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
        libraries.append(await libraries_s("bridge"))
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
        "bare_s": f"import {LIBRARIES}",
        "bridge_s": LOAD.format(modules=modules),
    }
    taken: dict[str, list[float]] = {key: [] for key in codes}
    for _ in range(runs):
        for key, code in codes.items():
            taken[key].append(await asyncio.to_thread(_processor_s, "-c", code))
    least = {key: min(times) for key, times in taken.items()}
    imported = {key: seconds - least["python_s"] for key, seconds in least.items()}
    memory = {"python": await _memory_mib("pass")}
    for count, library in enumerate(LIBRARIES.split(", "), 1):
        known = ", ".join(LIBRARIES.split(", ")[:count])
        memory[f"+ {library}"] = await _memory_mib(f"import {known}")
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


async def libraries_s(program: str) -> float:
    """Seconds that a Python takes to load nothing but the libraries of ``program``, and to end."""
    began_s = time.monotonic()
    await _python("-c", FLOORS[program])
    return time.monotonic() - began_s


async def floors() -> dict[str, float]:
    """MiB of a Python that has loaded nothing but the libraries of each program."""
    return {program: await _memory_mib(code) for program, code in FLOORS.items()}


async def pauses_ms(work_ms: float) -> dict[str, float]:
    """What this machine makes of ``work_ms`` of plain arithmetic, done 2,000 times by itself."""
    return json.loads(await _python("-m", "bench.pauses", str(work_ms), str(TURNS)))  # type: ignore[no-any-return]


async def soak(rig: Rig, seconds: float, changes: int) -> dict[str, float]:
    """Memory after ``seconds`` without change and after ``changes``, and messages meanwhile."""
    rig.configure(page_port=free_port())
    rig.home.directory.change(rig.home.person, "Available", "Available")
    async with running(rig) as bridge:
        with rig.program("drivers", "lamp") as lamp:
            await rig.until(rig.topics.light("lamp", "state"))
            await asyncio.sleep(min(5.0, seconds / 10))
            since = len(rig.heard)
            await asyncio.sleep(seconds)
            topics = [heard.topic for heard in rig.heard[since:]]
            messages = sum("/driver/" not in topic for topic in topics)
            quiet_mib = resident_mib(bridge), resident_mib(lamp)
            for number in range(changes):
                await change(rig, number)
            return {
                "seconds": seconds,
                "changes": changes,
                "bridge_mib": quiet_mib[0],
                "driver_mib": quiet_mib[1],
                "bridge_after_changes_mib": resident_mib(bridge),
                "driver_after_changes_mib": resident_mib(lamp),
                "messages_an_hour": messages * 3600 / seconds,
            }


async def handshakes(rig: Rig, polls: int, every_s: float) -> dict[str, float]:
    """New connections to Graph while it is polled every ``every_s`` seconds."""
    async with tap(rig.graph_port) as graph:
        rig.configure(
            fastest=every_s,
            steady=every_s,
            slowest=every_s,
            page_port=free_port(),
            graph_tap=graph.port,
        )
        async with running(rig):
            rig.microsoft.requests.clear()
            before = graph.connections
            await rig.microsoft.requests.until(
                "me.presence", polls, deadline_s=polls * every_s * 1.2 + DEADLINE_S
            )
            return {"every_s": every_s, "polls": polls, "new": graph.connections - before}


async def throttled(rig: Rig, seconds: int) -> dict[str, int]:
    """Requests sent while Microsoft has asked for ``seconds`` of silence."""
    rig.configure(fastest=1, steady=1, slowest=1)
    async with running(rig):
        rig.microsoft.faults.add(Fault("graph", status=429, retry_after=seconds))
        await rig.microsoft.requests.until(
            "graph", 1, where=lambda request: request.status == 429, deadline_s=DEADLINE_S
        )
        asked = rig.microsoft.requests.count("*")
        await asyncio.sleep(seconds - 1)
        return {"seconds": seconds, "requests": rig.microsoft.requests.count("*") - asked}


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


async def _python(*arguments: str) -> bytes:
    """What Python prints, on both of its outputs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return (await process.communicate())[0]


async def _memory_mib(code: str) -> float:
    return int(await _python("-c", f"{code}\n{READ_MEMORY}")) / 1024


def _processor_s(*arguments: str) -> float:
    """The processor's time that a Python takes, its own and the system's for it."""
    process = subprocess.Popen([sys.executable, *arguments])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a Python ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


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
