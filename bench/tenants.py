"""Many tenants over several bridges: calls, processor, memory, messages, beside bare reading.

    python -m bench.tenants                             ten tenants of 50,000 on five bridges
    python -m bench.tenants --tenants 2 --bridges 1     what one of the five does
    python -m bench.tenants --tenants 1 --bridges 1 --people 100000 --every 5

Processor time counts, not time: the machine may be busy with other work.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.subscribeoptions import SubscribeOptions

from bench.many import BULK
from bench.rig import DEADLINE_S, processor_s, rig
from bench.spread import spread
from bench.stage import Organisation, Stage, listening, running, staged
from bridge.microsoft.budget import LIMIT
from bridge.microsoft.people.bulk import IDS_MOST

LARGE_EVERY_S = 30.0
"""Between two reads of 500,000 people on two cores that also are the broker's and Microsoft's."""
KEEP = 100_000
"""Requests that are counted at once."""
LOOK_S, COUNTED_S, CALM_S, START_S = 0.2, 2.0, 3.0, 3600.0
STATES = "+/account/+/state"
NOTHING_STORED = SubscribeOptions(retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)


async def measure(
    *,
    tenants: int,
    people: int,
    bridges: int,
    every_s: float,
    seconds: float,
    everybody: bool = False,
) -> dict[str, Any]:
    """All figures for ``tenants`` of ``people`` each, dealt out to ``bridges``."""
    async with rig(keep_requests=KEEP) as built:
        built.microsoft.throttle.limit = LIMIT
        stage = staged(built, tenants=tenants, people=people)
        with listening(stage) as client, running(stage, bridges=bridges, every_s=every_s):
            figures = await _figures(stage, client, seconds=seconds, everybody=everybody)
            figures["trouble"] = stage.trouble()
        figures["bare"] = await _bare(stage, every_s=every_s, seconds=seconds)
    return {
        "tenants": tenants,
        "people": people,
        "bridges": bridges,
        "every_s": every_s,
        "calls": tenants * -(-people // IDS_MOST),
        **figures,
    }


async def _figures(
    stage: Stage, client: Client, *, seconds: float, everybody: bool
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    parts: dict[str, Callable[[], Awaitable[dict[str, Any] | None]]] = {
        "start": lambda: _started(stage),
        "quiet": lambda: asyncio.sleep(seconds),
        "one_percent": lambda: _changed(stage, client, 0.01, "DoNotDisturb"),
    }
    if everybody:
        parts["all_changed"] = lambda: _changed(stage, client, 1.0, "Away")
    for name, part in parts.items():
        stage.rig.microsoft.requests.clear()
        before = stage.counters()
        found = await part()
        await asyncio.sleep(COUNTED_S)  # the broker counts a moment later
        figures[name] = {**stage.spent(before), **stage.calls(), **(found or {})}
        print(name, json.dumps(figures[name]), file=sys.stderr, flush=True)
    return figures


async def _started(stage: Stage) -> dict[str, float]:
    """Until everybody is on the broker; after that it is waited until little more comes.

    A bridge that has no record of its topics looks on the broker for what an earlier one left.
    """
    began_s = time.monotonic()
    async with asyncio.timeout(START_S):
        while len(stage.complete) < len(stage.organisations):  # noqa: ASYNC110 - a bench
            await asyncio.sleep(LOOK_S)
    took_s, counted = time.monotonic() - began_s, -1
    while stage.received - counted > len(stage.organisations) * CALM_S:
        counted = stage.received
        await asyncio.sleep(CALM_S)
    return {"seconds": took_s}


async def _changed(stage: Stage, client: Client, share: float, availability: str) -> dict[str, Any]:
    """Until a subscriber has seen that a share of everybody changed; and when."""
    stage.awaited = {"DoNotDisturb": b'"do_not_disturb"', "Away": b'"away"'}[availability]
    stage.seen_at_s.clear()
    client.subscribe(STATES, options=NOTHING_STORED)
    began_s, changed = time.monotonic(), 0
    for organisation in stage.organisations:
        for person in organisation.people[: int(len(organisation.people) * share)]:
            stage.rig.home.directory.change(person, availability)
            changed += 1
    async with asyncio.timeout(START_S):
        while len(stage.seen_at_s) < changed:  # noqa: ASYNC110 - a bench
            await asyncio.sleep(LOOK_S)
    client.unsubscribe(STATES)
    seen_s = spread([at_s - began_s for at_s in stage.seen_at_s.values()])
    return {"changed": changed, "seen_s_median": seen_s["p50"], "seen_s_last": seen_s["max"]}


async def _bare(stage: Stage, *, every_s: float, seconds: float) -> dict[str, float]:
    """What HTTP alone takes for the same answers, once the bridges have ended."""
    with _bare_reader(stage, stage.organisations[0], every_s) as reader:
        await stage.rig.microsoft.requests.until(BULK, 1, deadline_s=DEADLINE_S)
        stage.calls()
        before_s = processor_s(reader)
        await asyncio.sleep(seconds)
        return {"reader_s": processor_s(reader) - before_s, **stage.calls()}


@contextmanager
def _bare_reader(
    stage: Stage, organisation: Organisation, every_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    built = stage.rig
    token = built.microsoft.tokens.issue_access(
        client_id=organisation.client_id,
        tenant_id=organisation.tenant.tenant_id,
        oid=None,
        permissions=frozenset({"Presence.Read.All"}),
    )
    settings = {
        "ids": [person.oid for person in organisation.people],
        "token": token.value,
        "graph_url": built.microsoft.graph_url,
        "ca_file": str(built.microsoft.ca_file),
        "pause_s": every_s,
    }
    file = built.folder / "bare_reader.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    stage.calls()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_reader", str(file)])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.tenants")
    parser.add_argument("--tenants", type=int, default=10)
    parser.add_argument("--people", type=int, default=50_000, help="in each tenant")
    parser.add_argument("--bridges", type=int, default=5)
    parser.add_argument(
        "--every", dest="every_s", type=float, default=LARGE_EVERY_S, help="seconds"
    )
    parser.add_argument("--seconds", type=float, default=120, help="of quiet")
    parser.add_argument("--everybody", action="store_true", help="all change at once, too")
    figures = asyncio.run(measure(**vars(parser.parse_args())))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
