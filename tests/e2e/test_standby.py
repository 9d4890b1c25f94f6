"""Two bridges of one ``[standby]``: who serves is killed, or hangs, and the other takes over."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.loader import load
from bridge.contract.errors import PersonMustActError
from tests.e2e.conftest import Stage
from tests.fakes.forks import Done, Program
from tests.fakes.mosquitto import free_port, running
from tests.fakes.subscriber import Heard, Subscriber, subscriber

STATE = "presence/account/alice/state"
BRIDGE = "presence/bridge/state"
LEADER = "presence/bridge/leader"
TAKEOVER_S = 30.0
"""From the will to ``online``; the slack is for a machine that has much else to do."""
SLACK_S = 30.0
LATE_S = TAKEOVER_S + 10.0
START_S = 120.0
"""A program starts in two seconds, unless the machine has much else to do."""
SOON_SILENT = "allow_anonymous true\nmax_keepalive 10"
"""Who hangs is given up after 15 s instead of 45."""


@dataclass
class Node:
    """One of the two bridges, with a folder and a page of its own."""

    stage: Stage
    name: str
    config: Path
    port: int
    process: Program | None = None

    def start(self) -> None:
        """Run it; there may have been one before."""
        words = self.stage.python("bridge", "run", "--config", str(self.config))
        self.process = self.stage.start_program(words)

    def signal(self, which: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(which)

    async def readiness(self) -> tuple[int, str]:
        """What ``readyz`` answers; 0 while there is no page."""
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"http://127.0.0.1:{self.port}/readyz") as answer,
            ):
                return answer.status, (await answer.text()).strip()
        except aiohttp.ClientError as error:
            return 0, str(error)

    async def until_ready(self, status: int, text: str) -> None:
        """Wait until ``readyz`` says so."""
        now = await self.readiness()
        try:
            async with asyncio.timeout(START_S):
                while now != (status, text):
                    await asyncio.sleep(0.1)
                    now = await self.readiness()
        except TimeoutError:
            raise AssertionError(f"readyz of {self.name} is {now}, not {status} {text}") from None

    async def command(self, word: str) -> Done:
        """Run a command on its machine."""
        words = self.stage.python("bridge", word, "--config", str(self.config))
        return await asyncio.to_thread(self.stage.forks.run, words, environ=os.environ)


def node(stage: Stage, name: str) -> Node:
    port = free_port()
    text = stage.config.read_text(encoding="utf-8")
    text = text.replace('state_dir = "state"', f'state_dir = "state-{name}"')
    text = text.replace("enabled = false", f"port = {port}")
    config = stage.folder / f"{name}.toml"
    config.write_text(f'{text}\n[standby]\nnode = "{name}"\n', encoding="utf-8")
    return Node(stage, name, config, port)


@pytest_asyncio.fixture(loop_scope="session")
async def mqtt(stage: Stage, tmp_path: Path) -> AsyncIterator[Subscriber]:
    """At a broker that the stage uses from now on, and that soon gives up who hangs."""
    folder = tmp_path / "broker"
    folder.mkdir()
    async with (
        running(folder, extra=SOON_SILENT) as broker,
        subscriber(broker.port, topic="presence/#") as heard,
    ):
        stage.broker = broker
        stage.configure("set_presence = true")
        yield heard


async def taken_over(mqtt: Subscriber, since: int) -> Heard:
    """``online`` after the will that comes from ``since`` on, and in time."""
    await mqtt.until(BRIDGE, lambda h: h.text == "offline", since=since, deadline_s=60)
    will_s, gone = time.monotonic(), len(mqtt.heard)
    online = await mqtt.until(
        BRIDGE, lambda h: h.text == "online", since=gone, deadline_s=TAKEOVER_S + SLACK_S
    )
    took_s = time.monotonic() - will_s
    assert took_s < LATE_S, f"{took_s:.1f} s after the will"
    return online


def leaders(mqtt: Subscriber) -> list[tuple[str, int]]:
    """Who served, in order, with the epoch."""
    said = [h.json for h in mqtt.heard if h.topic == LEADER and h.payload]
    return [(each["node"], each["epoch"]) for each in said]


def one_writer_at_a_time(mqtt: Subscriber) -> bool:
    """Whether no state came of an epoch below one that had been seen before."""
    epochs = [
        h.json["epoch"]
        for h in mqtt.heard
        if h.topic in (LEADER, STATE) and h.payload and not h.retain
    ]
    return epochs == sorted(epochs)


@pytest.mark.long
async def test_the_other_takes_over_from_who_is_killed_and_from_who_hangs(
    stage: Stage, mqtt: Subscriber
) -> None:
    a, b = node(stage, "a"), node(stage, "b")
    (stage.folder / "state-a").mkdir(mode=0o700)
    (stage.folder / "state-a/epoch").write_text("4000000000", encoding="utf-8")  # of a wrong clock
    a.start()
    await mqtt.until(BRIDGE, lambda h: h.text == "online", deadline_s=START_S)
    b.start()
    waits = "standby: a serves, this node (b) waits"
    await a.until_ready(200, "ready")
    await b.until_ready(503, waits)
    await stage.until_logged(stage.programs[1], "alice is signed in", times=1)
    await what_who_waits_says(b, waits)

    killed, epoch = len(mqtt.heard), leaders(mqtt)[-1][1]
    a.signal(signal.SIGKILL)
    stage.be("Busy", "InACall")
    online = await taken_over(mqtt, killed)
    first = await mqtt.until(STATE, since=killed)
    assert (first.json["availability"], first.json["activity"]) == ("busy", "in_a_call")
    assert first.json["epoch"] > epoch
    order = [id(heard) for heard in mqtt.heard]
    assert order.index(id(first)) < order.index(id(online)), "it has read before it is online"
    assert leaders(mqtt)[-1][0] == "b"

    a.start()
    await b.until_ready(200, "ready")
    await a.until_ready(503, "standby: b serves, this node (a) waits")
    hung = len(mqtt.heard)
    b.signal(signal.SIGSTOP)
    await taken_over(mqtt, hung)
    stage.be("Away")
    since = len(mqtt.heard)
    b.signal(signal.SIGCONT)
    await b.until_ready(503, waits)
    await mqtt.until(STATE, lambda h: h.json["availability"] == "away", since=hung)
    assert all(h.text == "online" for h in mqtt.heard[since:] if h.topic == BRIDGE)
    assert [name for name, _ in leaders(mqtt)] == ["a", "b", "a"]
    await a.until_ready(200, "ready")
    await nobody_reads_until_it_serves(stage, mqtt, a)
    assert one_writer_at_a_time(mqtt)


async def nobody_reads_until_it_serves(stage: Stage, mqtt: Subscriber, serving: Node) -> None:
    """The other, which has served before and waits now, reads nobody before it takes over."""
    killed = len(mqtt.heard)
    serving.signal(signal.SIGKILL)
    await mqtt.until(BRIDGE, lambda h: h.text == "offline", since=killed, deadline_s=60)
    reads = stage.microsoft.requests.count("me.presence")
    assert reads, "it was read before"
    await mqtt.until(LEADER, since=killed, deadline_s=TAKEOVER_S + SLACK_S)
    assert stage.microsoft.requests.count("me.presence") == reads


async def what_who_waits_says(waiting: Node, text: str) -> None:
    """To the commands on its machine, and to who would have something done there."""
    said = f"{text[:1].upper()}{text[1:]}"
    table, doctor = await asyncio.gather(waiting.command("accounts"), waiting.command("doctor"))
    assert table.stdout.startswith(f"{said}. This is what the broker has stored.\n")
    assert "available/available" in table.stdout
    assert f"ok   broker: {text}" in doctor.stdout
    async with on_this_machine(load(waiting.config, os.environ)) as service:
        assert service
        for command, fields in (
            ("poll", {}),
            ("set_presence", {"account": "alice", "presence": "busy"}),
        ):
            with pytest.raises(PersonMustActError, match=r"This node, b, waits\. Ask where a runs"):
                await service.ask(command, **fields)
