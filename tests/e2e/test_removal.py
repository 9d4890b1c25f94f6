"""Somebody who is taken out of the config is gone from the broker, also when that was away."""

from __future__ import annotations

import asyncio
import signal

import pytest_asyncio

from tests.e2e.conftest import Stage
from tests.fakes.mosquitto import free_port
from tests.fakes.subscriber import subscriber

BOB = """
[accounts.bob]
name = "Bob"
"""


async def stored_of_bob(stage: Stage) -> list[str]:
    """The topics about bob that the broker has stored when the bridge is there and alice, too."""
    async with subscriber(stage.broker.port) as fresh:
        await fresh.until_text("presence/bridge/state", "online")
        await fresh.until_text("presence/account/alice/availability", "online")
        await fresh.publish("presence/bridge/request/health_check", "{}")
        await fresh.until("presence/bridge/response/health_check")
        topics = {topic for topic, heard in fresh.last.items() if heard.payload}
        return sorted(t for t in topics if "/bob/" in t or "account_bob" in t)


@pytest_asyncio.fixture(loop_scope="session")
async def both(stage: Stage) -> Stage:
    """Alice and bob are signed in; the broker keeps what is stored over a restart."""
    broker = stage.broker
    broker.stop()
    with (broker.folder / "mosquitto.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"persistence true\npersistence_location {broker.folder}/\n")
    await broker.start()
    stage.configure(BOB)
    return stage


async def start_with_both(stage: Stage) -> None:
    async with subscriber(stage.broker.port) as mqtt:
        stage.start("bridge", "run")
        for account in ("alice", "bob"):
            await mqtt.until_text(f"presence/account/{account}/availability", "online")
            await mqtt.until(f"presence/account/{account}/today")
    assert len(await stored_of_bob(stage)) == 8


async def test_who_is_taken_out_while_the_broker_is_away_is_gone_when_it_is_back(
    both: Stage,
) -> None:
    await start_with_both(both)
    bridge = both.programs[-1]
    both.broker.stop()
    both.configure()
    bridge.send_signal(signal.SIGHUP)
    await both.until_logged(bridge, "read the config again", times=1)
    await both.broker.start()
    assert await stored_of_bob(both) == []


async def test_who_is_taken_out_is_gone_also_after_a_start_that_met_no_broker(
    both: Stage,
) -> None:
    await start_with_both(both)
    assert both.stop(both.programs[-1]) == 0
    both.configure()
    text = both.config.read_text(encoding="utf-8")
    nowhere = text.replace(f"port = {both.broker.port}", f"port = {free_port()}")
    both.config.write_text(nowhere, encoding="utf-8")
    lonely = both.start("bridge", "run")
    async with asyncio.timeout(60):
        while "cannot be reached" not in both.log(lonely):  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(0.05)
    both.stop(lonely, signal.SIGKILL)
    both.configure()
    both.start("bridge", "run")
    assert await stored_of_bob(both) == []
