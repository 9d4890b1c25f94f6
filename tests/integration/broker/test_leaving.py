"""Whatever the broker does, who stops is gone in time, and ``offline`` is what remains."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import DISCONNECT, PUBLISH, SUBSCRIBE
from tests.integration.broker.conftest import (
    FACT,
    STATE,
    Link,
    run_hurried,
    settings,
    until,
)

LEAVES_S = 9.0
PROGRAM = """
import asyncio
import sys
import threading
from bridge.broker import Broker
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock

async def main():
    broker = Broker(
        MqttSettings(**{settings!r}),
        client_id="leaving",
        state_topic="presence/bridge/state",
        welcome=tuple,
        clock=SystemClock(),
    )
    running = asyncio.create_task(broker.run())
    while "mqtt-dial" not in [thread.name for thread in threading.enumerate()]:
        await asyncio.sleep(0.001)
    print("dials", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    running.cancel()
    await asyncio.wait([running])
    print("left", flush=True)

asyncio.run(main())
"""


async def left(settings: dict[str, object], reached: asyncio.Event | None = None) -> str:
    """What a program says that is stopped while it connects, or has ``reached`` that."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM.format(settings=settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert await process.stdout.readline() == b"dials\n"
        if reached is not None:
            await reached.wait()
    try:
        async with asyncio.timeout(LEAVES_S):
            said, _ = await process.communicate(b"stop\n")
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    return said.decode()


@pytest.mark.parametrize("tls", [False, True])
async def test_a_broker_that_takes_the_connection_and_says_nothing_holds_nobody(
    tls: bool,  # noqa: FBT001 - the case
) -> None:
    reached, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1)
        reached.set()
        with suppress(OSError):
            await reader.read()
        writer.close()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await left({"host": "127.0.0.1", "port": port, "tls": tls}, reached) == "left\n"
        await gone.wait()


async def test_an_address_that_never_answers_holds_nobody(tmp_path: Path) -> None:
    """A queue that is full blocks ``connect`` for ever, as a slow name server does for minutes."""
    path = tmp_path / "full"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(0)
        waiting = []
        while True:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(0)
            waiting.append(sock)
            try:
                sock.connect(str(path))
            except BlockingIOError:
                break
        try:
            assert await left({"host": f"unix:{path}"}) == "left\n"
        finally:
            for sock in waiting:
                sock.close()


def test_when_the_goodbye_was_not_heard_the_will_says_it() -> None:
    async def scenario() -> None:
        async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
            async with Link(settings(broker.port), ManualClock()) as link:
                await link.until_connected()
                broker.answers = frozenset()
            await until(lambda: broker.closed == 1)
            assert not broker.count(DISCONNECT)

    run_hurried(scenario())


async def test_when_the_goodbye_was_heard_the_broker_forgets_the_will() -> None:
    async with strict(answers=frozenset({SUBSCRIBE, PUBLISH})) as broker:
        async with Link(settings(broker.port), ManualClock()) as link:
            await link.until_connected()
        await until(lambda: broker.closed == 1)
        assert broker.topics()[-1] == STATE
        assert broker.received[-1][0] == DISCONNECT


async def test_who_stops_in_a_long_welcome_says_goodbye_too() -> None:
    async with strict(answers=frozenset({SUBSCRIBE})) as broker:
        link = Link(settings(broker.port), ManualClock())
        link.facts = [Message(f"presence/{number}", b"1") for number in range(100)]
        link.farewell = [FACT]
        async with link:
            await until(lambda: broker.count(PUBLISH))
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
            broker.acknowledge_publishes()
            broker.answers = frozenset({SUBSCRIBE, PUBLISH})
        await until(lambda: broker.closed == 1)
        assert broker.topics()[-2:] == [FACT.topic, STATE]
        assert broker.received[-1][0] == DISCONNECT
