"""The figures of the service as its users meet it: start, memory, latency, quiet, throttling.

Never compares with a target: ``bench.__main__`` does.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import time
from typing import Any

from bench.rig import DEADLINE_S, Rig, resident_mib
from bridge.demo.faults.script import Fault

STATES = ("Busy/InACall", "Available/Available")


async def start(rig: Rig, runs: int) -> dict[str, float]:
    """Seconds from the start of ``presence-bridge run`` to the first state on MQTT."""
    rig.configure()
    topic = rig.topics.account("alice", "state")
    taken: list[float] = []
    for run in range(runs + 1):  # the first one signs in and fills the cache
        since, began = len(rig.heard), time.monotonic()
        with rig.program("bridge", "run"):
            heard = await rig.until(topic, since=since, live=True)
        if run:
            taken.append(heard.at_s - began)
    return {"median_s": statistics.median(taken), "max_s": max(taken), "runs": runs}


async def latency(rig: Rig, changes: int) -> dict[str, dict[str, float]]:
    """Milliseconds from Graph's answer to the broker, and from the broker to the lamp.

    A lamp is the ``console`` kind; its line on a pipe is the call. Both are measured from outside
    of the processes, so two hops through Mosquitto and a pipe are in them.
    """
    rig.configure(fastest=20, steady=20, slowest=30)
    state = rig.topics.account("alice", "state")
    to_broker: list[float] = []
    to_lamp: list[float] = []
    with rig.program("bridge", "run"), rig.program("drivers", "lamp") as lamp:
        await rig.until(state, since=len(rig.heard), live=True)
        lines = _lines(lamp)
        await rig.until(rig.topics.light("lamp", "state"), since=0)
        for number in range(changes):
            availability, activity = STATES[number % 2].split("/")
            rig.home.directory.change(rig.home.person, availability, activity)
            since = len(rig.heard)
            while not lines.empty():
                lines.get_nowait()
            rig.microsoft.requests.clear()
            await rig.client.publish(rig.topics.request("poll"), b"{}", qos=1)
            heard = await rig.until(state, since=since)
            asked = rig.microsoft.requests.of("me.presence")[-1]
            to_broker.append((heard.at_s - asked.at_s) * 1000)
            async with asyncio.timeout(DEADLINE_S):
                to_lamp.append((await lines.get() - heard.at_s) * 1000)
            await asyncio.sleep(0.15)  # the lamp's own shortest interval
    return {"graph_to_broker_ms": spread(to_broker), "broker_to_lamp_ms": spread(to_lamp)}


async def soak(rig: Rig, seconds: float) -> dict[str, float]:
    """Memory after ``seconds`` in which nothing changed, and messages meanwhile."""
    rig.configure()
    rig.home.directory.change(rig.home.person, "Available", "Available")
    with rig.program("bridge", "run") as bridge, rig.program("drivers", "lamp") as lamp:
        await rig.until(rig.topics.account("alice", "state"), since=len(rig.heard), live=True)
        await rig.until(rig.topics.light("lamp", "state"), since=0)
        await asyncio.sleep(min(5.0, seconds / 10))
        since = len(rig.heard)
        rig.microsoft.requests.clear()
        await asyncio.sleep(seconds)
        messages = [heard.topic for heard in rig.heard[since:] if "/driver/" not in heard.topic]
        return {
            "seconds": seconds,
            "bridge_mib": resident_mib(bridge),
            "driver_mib": resident_mib(lamp),
            "messages_an_hour": len(messages) * 3600 / seconds,
            "polls_an_hour": rig.microsoft.requests.count("graph") * 3600 / seconds,
        }


async def throttled(rig: Rig, seconds: int) -> dict[str, int]:
    """Requests sent while Microsoft has asked for ``seconds`` of silence."""
    rig.configure(fastest=1, steady=1, slowest=1)
    with rig.program("bridge", "run"):
        await rig.until(rig.topics.account("alice", "state"), since=len(rig.heard), live=True)
        rig.microsoft.faults.add(Fault("graph", status=429, retry_after=seconds))
        await rig.microsoft.requests.until(
            "graph", 1, where=lambda request: request.status == 429, deadline_s=DEADLINE_S
        )
        asked = rig.microsoft.requests.count("*")
        await asyncio.sleep(seconds - 1)
        return {"seconds": seconds, "requests": rig.microsoft.requests.count("*") - asked}


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


def spread(values: list[float]) -> dict[str, float]:
    """Median, p99 and worst of ``values``."""
    ordered = sorted(values)
    return {
        "p50": statistics.median(ordered),
        "p99": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))],
        "max": ordered[-1],
        "n": len(ordered),
    }


def as_json(figures: dict[str, Any]) -> str:
    """The figures for machines."""
    return json.dumps(figures, indent=2, sort_keys=True)
