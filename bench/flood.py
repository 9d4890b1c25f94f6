"""How soon one change is seen while everybody is sent anew: at a start, and by a new broker.

    python -m bench.flood                            10,000 people, a broker on this machine
    python -m bench.flood --round-trip-s 0.1         and one behind a slow link

The bridge, the broker, the link, and the subscriber beside the broker are processes of their own. A
delay runs from the moment that Graph's answer with the change is ready until the subscriber has it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Thread
from typing import Any

from bench.many import BULK, STAFF, Crowd, configure
from bench.rig import DEADLINE_S, Rig, free_port, rig
from bench.spread import spread
from bridge.broker.window import MOST
from tests.fakes.microsoft.directory import Person
from tests.fakes.microsoft.request_log import LoggedRequest

MOSQUITTO = """listener {port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
sys_interval 1
max_queued_messages 0
max_inflight_messages {window}
"""
BASE_TOPIC = "crowd"
STORED, RECEIVED = "retained messages/count", "messages/received"
WORDS = ("Away", "Busy")
QUIET_S, QUIET = 4.0, 30
"""So few messages in a second, for such a time: the flood is over."""
FLOOD_S = 1800.0
CALM = 20
"""Times that some change after the flood."""
AT_ONCE = 5
"""So many change at once."""
FAR_S = 0.1
"""A round trip to a broker that is far away."""


@dataclass
class Stage:
    """The broker that is flooded, and what its subscriber heard."""

    rig: Rig
    crowd: Crowd
    port: int
    conf: Path
    seen_s: dict[tuple[str, str], float] = field(default_factory=dict)
    """When a state was heard, by topic and availability."""
    counted: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    """What the broker counts, with the time."""
    acknowledged: int = 0
    """By the listener, which the broker counts as well."""
    broker: subprocess.Popen[bytes] | None = None

    def start_broker(self) -> None:
        """Start it, with nothing stored."""
        self.counted.clear()
        self.acknowledged = 0
        self.broker = subprocess.Popen(["mosquitto", "-c", str(self.conf)])

    def stop_broker(self) -> None:
        """End it."""
        if self.broker:
            self.broker.terminate()
            self.broker.wait(DEADLINE_S)

    def receive(self, line: str) -> None:
        """Take a line of the listener."""
        at_s, topic, payload = line.rstrip("\n").split("\t", 2)
        if topic.startswith("$SYS"):
            counts = self.counted.setdefault(topic.removeprefix("$SYS/broker/"), [])
            counts.append((float(at_s), int(payload)))
        else:
            self.acknowledged += 1
            self.seen_s[topic, json.loads(payload)["availability"]] = float(at_s)

    @property
    def ended_s(self) -> float | None:
        """When the flood ended; ``None`` before everybody is stored and little comes."""
        stored, received = (self.counted.get(each, []) for each in (STORED, RECEIVED))
        if not received or not stored or stored[-1][1] < len(self.crowd.people):
            return None
        busy = [at_s for (_, less), (at_s, more) in pairwise(received) if more - less > QUIET]
        ended_s = busy[-1] if busy else received[0][0]
        return ended_s if received[-1][0] - ended_s >= QUIET_S else None

    @property
    def published(self) -> int:
        """Messages of the bridge so far."""
        return self.counted[RECEIVED][-1][1] - self.acknowledged


async def measure(
    built: Rig, people: int, round_trip_s: float, *, window: int = MOST, every_s: float = 2
) -> dict[str, Any]:
    """Seconds of the floods, and the delays of changes in their midst and afterwards."""
    crowd, port = Crowd(built, people), free_port()
    conf = built.folder / f"mosquitto-{port}.conf"
    conf.write_text(MOSQUITTO.format(port=port, window=window), encoding="utf-8")
    stage = Stage(built, crowd, port, conf)
    try:
        return await _measured(stage, round_trip_s, every_s)
    finally:
        stage.stop_broker()
        crowd.leave()


async def _measured(stage: Stage, round_trip_s: float, every_s: float) -> dict[str, Any]:
    told: dict[str, Any] = {"people": len(stage.crowd.people), "round_trip_s": round_trip_s}
    calls = -(-len(stage.crowd.people) // 650)
    with ExitStack() as stack:
        stage.start_broker()
        await asyncio.sleep(1)
        stack.enter_context(_listening(stage))
        port = stack.enter_context(_link(stage.port, round_trip_s))
        configure(
            stage.rig,
            STAFF.format(group=stage.crowd.group.group_id),
            every_s=every_s,
            mqtt_port=port,
            state=f"flood-{port}",
            base_topic=BASE_TOPIC,
        )
        stage.rig.microsoft.requests.clear()
        stack.enter_context(stage.rig.program("bridge", "run"))
        began_s = time.monotonic()
        await stage.rig.microsoft.requests.until(BULK, 2 * calls, deadline_s=10 * DEADLINE_S)
        told["start"] = await _flooded(stage, began_s)
        told["calm_s"] = spread([delay for _ in range(CALM) for delay in await _delays(stage)])
        stage.stop_broker()
        stage.start_broker()
        told["broker_restart"] = await _flooded(stage, time.monotonic())
    return told


async def _flooded(stage: Stage, began_s: float) -> dict[str, Any]:
    """Some change, again and again, until everybody is stored."""
    delays: list[float] = []
    while (ended_s := stage.ended_s) is None:
        if time.monotonic() - began_s > FLOOD_S:
            raise TimeoutError("it does not end")
        delays += await _delays(stage)
    return {
        "took_s": ended_s - began_s,
        "messages_a_person": stage.published / len(stage.crowd.people),
        "delay_s": spread(delays),
    }


async def _delays(stage: Stage) -> list[float]:
    """Let some do something else at once; seconds from Graph's answer to the subscriber, of each.

    They are of several requests of one read.
    """
    wanted: dict[str, tuple[str, str]] = {}
    for person in random.sample(stage.crowd.people, AT_ONCE):
        word = WORDS[person.facts.session.availability == WORDS[0]]
        wanted[person.oid] = key = _topic(person), word.lower()
        stage.seen_s.pop(key, None)
        stage.rig.home.directory.change(person, word)
    changed_s = time.monotonic()
    async with asyncio.timeout(2 * DEADLINE_S):
        while not stage.seen_s.keys() >= set(wanted.values()):  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.02)
    requests = stage.rig.microsoft.requests.of(BULK)
    answers = [each for each in requests if each.answered_s and each.answered_s >= changed_s]
    delays = [stage.seen_s[key] - _answered_s(answers, oid.encode()) for oid, key in wanted.items()]
    await asyncio.sleep(random.uniform(0, 0.5))
    return delays


def _answered_s(answers: list[LoggedRequest], oid: bytes) -> float:
    return next(each.answered_s for each in answers if each.answered_s and oid in each.body)


def _topic(person: Person) -> str:
    return f"{BASE_TOPIC}/account/staff_{person.upn.partition('@')[0]}/state"


@contextmanager
def _listening(stage: Stage) -> Iterator[None]:
    filters = [f"$SYS/broker/{each}" for each in (STORED, RECEIVED)]
    filters.append(f"{BASE_TOPIC}/account/+/state")
    command = [sys.executable, "-m", "bench.listener", str(stage.port), *filters]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    pipe = process.stdout
    assert pipe is not None

    def read() -> None:
        for line in pipe:
            stage.receive(line)

    thread = Thread(target=read, name="heard")
    thread.start()
    try:
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        thread.join(DEADLINE_S)
        pipe.close()


@contextmanager
def _link(port: int, round_trip_s: float) -> Iterator[int]:
    """The port at which the broker is reached over a link so slow."""
    if not round_trip_s:
        yield port
        return
    command = [sys.executable, "-m", "bench.link", str(port), str(round_trip_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(DEADLINE_S)
        process.stdout.close()


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.flood")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--round-trip-s", type=float, default=0.0)
    parser.add_argument("--window", type=int, default=MOST, help="max_inflight_messages")
    arguments = parser.parse_args()

    async def run() -> dict[str, Any]:
        async with rig() as built:
            return await measure(
                built, arguments.people, arguments.round_trip_s, window=arguments.window
            )

    print(json.dumps(asyncio.run(run()), indent=2))


if __name__ == "__main__":
    main()
