"""With ``status_message = false`` no door shows what a person wrote."""

import asyncio
import signal
import urllib.request

import pytest
import pytest_asyncio

from tests.e2e.conftest import Stage
from tests.fakes.forks import Program
from tests.fakes.microsoft.faults import Fault
from tests.fakes.mosquitto import free_port
from tests.fakes.subscriber import Heard, subscriber

WORDS = "Back at three"
STATE, ATTRIBUTES = "presence/account/alice/state", "presence/account/alice/attributes"
DEVICE = "homeassistant/device/presence_account_alice/config"
ADDRESSES = (
    *("", "?only=alice", "history?of=alice", "report", "metrics"),
    *("api/v1/snapshot", "api/v1/people", "api/v1/people/alice", "api/v1/days"),
)


def configure(stage: Stage, page: int, *, shown: bool) -> None:
    hidden = "" if shown else "status_message = false\n"
    lamp = '[drivers.desk]\nkind = "console"\nfollow = ["alice"]'
    stage.configure(f"{hidden}{lamp}", web=f"port = {page}")


def fetched(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as answer:
        return str(answer.read().decode())


async def retained(stage: Stage) -> dict[str, str]:
    """All that somebody who comes now gets from the broker."""
    async with subscriber(stage.broker.port, topic="#") as fresh:
        await fresh.until(STATE)
        await fresh.until(DEVICE)
        return {heard.topic: heard.text for heard in fresh.heard}


def says_nothing(heard: Heard) -> bool:
    return heard.json["status_message"] is None


@pytest_asyncio.fixture(loop_scope="session")
async def shown(stage: Stage) -> tuple[int, Program]:
    """The port of the page, and a bridge that shows the words."""
    page = free_port()
    configure(stage, page, shown=True)
    stage.be("Busy", status_message=WORDS)
    bridge = stage.start("bridge", "run", "--log-level", "debug")
    await stage.mqtt.until(STATE, lambda heard: heard.json["status_message"] == WORDS)
    assert WORDS in await asyncio.to_thread(fetched, page, "")
    assert "Status message" in (await retained(stage))[DEVICE]
    stage.microsoft.faults.add(Fault("me.presence", status=503, times=None))
    return page, bridge


@pytest.mark.parametrize("how", ["a reload", "a restart"])
async def test_what_was_shown_is_gone_without_a_new_read(
    stage: Stage, shown: tuple[int, Program], how: str
) -> None:
    page, bridge = shown
    configure(stage, page, shown=False)
    since = len(stage.mqtt.heard)
    if how == "a reload":
        bridge.send_signal(signal.SIGHUP)
    else:
        stage.stop(bridge)
        bridge = stage.start("bridge", "run", "--log-level", "debug")
    for topic in (STATE, ATTRIBUTES):
        await stage.mqtt.until(topic, says_nothing, since=since)
    await stage.mqtt.until(DEVICE, lambda heard: "Status message" not in heard.text, since=since)
    lamp = stage.start("drivers", "desk", "--log-level", "debug")
    await stage.mqtt.until("presence/driver/desk/light/why")
    stage.microsoft.faults.clear()
    stage.be("Away", status_message=WORDS)
    await stage.mqtt.until(STATE, lambda h: h.json["availability"] == "away", since=since)
    assert not [topic for topic, text in (await retained(stage)).items() if WORDS in text]
    for path in ADDRESSES:
        assert WORDS not in await asyncio.to_thread(fetched, page, path), path
    assert WORDS not in stage.log(bridge) + stage.log(lamp)
    kept = [file for file in (stage.folder / "state").rglob("*") if file.is_file()]
    assert not [file for file in kept if WORDS.encode() in file.read_bytes()]


async def test_a_reload_still_shows_it(stage: Stage) -> None:
    page = free_port()
    configure(stage, page, shown=False)
    stage.be("Busy", status_message=WORDS)
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until(STATE, lambda heard: heard.json["availability"] == "busy")
    assert all(says_nothing(h) for h in stage.mqtt.heard if h.topic == STATE)
    since = len(stage.mqtt.heard)
    configure(stage, page, shown=True)
    bridge.send_signal(signal.SIGHUP)
    await stage.mqtt.until(STATE, lambda heard: heard.json["status_message"] == WORDS, since=since)
    await stage.mqtt.until(DEVICE, lambda heard: "Status message" in heard.text, since=since)
