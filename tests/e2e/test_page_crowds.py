"""Visitors who try to stop the running bridge: presence does not notice them."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial

import aiohttp

from tests.e2e.conftest import Stage
from tests.e2e.page_stage import STATE
from tests.fakes.mosquitto import free_port
from tests.fakes.subscriber import Heard

FILES, SILENT = 256, 400


@contextmanager
def few_files() -> Iterator[None]:
    """What is started here may open ``FILES`` only."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def says(word: str, heard: Heard) -> bool:
    return heard.json["availability"] == word  # type: ignore[no-any-return]


async def test_silent_connections_to_the_page_do_not_stop_presence(stage: Stage) -> None:
    port = free_port()
    stage.configure(web=f"port = {port}")
    with few_files():
        bridge = stage.start("bridge", "run")
    await stage.until_logged(bridge, "the page is at", times=1)
    async with AsyncExitStack() as connections:
        for number in range(SILENT):
            source = f"127.0.{2 + number % 2}.1"
            _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
            connections.callback(writer.close)
        for availability, word in (("Busy", "busy"), ("Away", "away"), ("Available", "available")):
            since = len(stage.mqtt.heard)
            stage.be(availability)
            await stage.mqtt.until(STATE, partial(says, word), since=since)
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{port}/readyz") as answer,
        ):
            assert answer.status == 200
    told = stage.log(bridge)
    assert told.count("to the page") == 1
    assert "Traceback" not in told
    assert stage.stop(bridge) == 0
