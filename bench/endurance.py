"""What waits for long: memory without and with changes, connections kept, silence when asked for.

Compares with no target: ``bench.rows`` does. The page and discovery are on in all of them.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bench.figures import change, running
from bench.rig import DEADLINE_S, Rig, free_port, resident_mib
from bench.tap import tap
from tests.fakes.microsoft.faults import Fault

ROUNDS = 3
"""Of changes: what is filled once is full after the first, and what grows goes on to grow."""


async def soak(rig: Rig, seconds: float, changes: int) -> dict[str, Any]:
    """MiB after ``seconds`` without change, then after each round of ``changes``; messages."""
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
            memory = {"bridge": [resident_mib(bridge)], "driver": [resident_mib(lamp)]}
            for _ in range(ROUNDS):
                for number in range(changes):
                    await change(rig, number)
                memory["bridge"].append(resident_mib(bridge))
                memory["driver"].append(resident_mib(lamp))
            return {
                "seconds": seconds,
                "changes": changes,
                "memory_mib": memory,
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
