"""What thousands of people cost while nobody does anything: messages, and processor beside reading.

    python -m bench.idle                    100,000 people
    python -m bench.idle --people 10000

Reading is measured apart: ``bench.bare_reader`` asks for the same batches over the same TLS.
Processor time is counted by the request, so that neither pace nor pauses matter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bench.many import BULK, STAFF, Crowd, configure, swept
from bench.rig import DEADLINE_S, Rig, processor_s, rig

SWEEPS_FIRST = 4
"""In the first of them all are sent."""
PAUSE_S = 2.0
SENT_S = 1800.0
QUIET_S, FEW = 5.0, 50


async def idle(rig: Rig, people: int, *, every_s: float, seconds: float) -> dict[str, float]:
    """Messages a second, and the shares of a core that the bridge and bare reading take."""
    crowd, calls = Crowd(rig, people), -(-people // 650)
    table = STAFF.format(group=crowd.group.group_id)
    configure(rig, table, every_s=every_s, mqtt_port=rig.mqtt_port, state=f"idle-{people}")
    with rig.program("bridge", "run") as bridge:
        for _ in range(SWEEPS_FIRST):
            await swept(rig, bridge, calls)
        await _all_heard(rig)
        since, began_s = len(rig.heard), time.monotonic()
        call_s = await _processor_s_a_call(rig, bridge, seconds)
        messages = (len(rig.heard) - since) / (time.monotonic() - began_s)
    with _bare_reader(rig, crowd) as reader:
        await rig.microsoft.requests.until(BULK, calls, deadline_s=20 * DEADLINE_S)
        bare_call_s = await _processor_s_a_call(rig, reader, seconds)
    crowd.leave()
    share = 100 * calls / every_s
    return {
        "people": people,
        "every_s": every_s,
        "messages_a_second": messages,
        "cpu_percent": share * call_s,
        "cpu_percent_bare": share * bare_call_s,
    }


async def _all_heard(rig: Rig) -> None:
    """Wait until all was sent first, and our own subscriber, the slowest of all, is through."""
    fresh, since, heard = rig.topics.table("staff", "fresh"), 0, None
    while heard is None or b'"online"' not in heard.payload:
        heard = await rig.until(fresh, since=since, deadline_s=SENT_S)
        since = rig.heard.index(heard, since) + 1
    before = -FEW
    while len(rig.heard) - before >= FEW:
        before = len(rig.heard)
        await asyncio.sleep(QUIET_S)


async def _processor_s_a_call(rig: Rig, process: subprocess.Popen[bytes], seconds: float) -> float:
    rig.microsoft.requests.clear()
    spent_s = processor_s(process)
    await asyncio.sleep(seconds)
    return (processor_s(process) - spent_s) / rig.microsoft.requests.count(BULK)


@contextmanager
def _bare_reader(rig: Rig, crowd: Crowd) -> Iterator[subprocess.Popen[bytes]]:
    token = rig.microsoft.tokens.issue_access(
        client_id=rig.home.app.client_id,
        tenant_id=rig.home.tenant.tenant_id,
        oid=None,
        permissions=frozenset(rig.home.app.roles),
    )
    settings = {
        "ids": [person.oid for person in crowd.people],
        "token": token.value,
        "graph_url": rig.microsoft.graph_url,
        "ca_file": str(rig.microsoft.ca_file),
        "pause_s": PAUSE_S,
    }
    file = rig.folder / "bare_reader.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    rig.microsoft.requests.clear()
    process = subprocess.Popen([sys.executable, "-m", "bench.bare_reader", str(file)])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(DEADLINE_S)


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()

    async def run() -> dict[str, float]:
        async with rig() as built:
            return await idle(built, arguments.people, every_s=5, seconds=arguments.seconds)

    print(json.dumps(asyncio.run(run()), indent=2))


if __name__ == "__main__":
    main()
