"""``presence-driver test`` and ``list`` as a person uses them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiomqtt
import pytest

from drivers.rules import DEFAULT_LOOKS
from tests.e2e.conftest import Stage
from tests.fakes.mosquitto import Mosquitto, running

DRIVER = [sys.executable, "-m", "drivers"]
STATE = "presence/driver/desk/light/state"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running(tmp_path) as broker:
        yield broker


def tried(
    folder: Path, driver: str, *, port: int = 1, seconds: float = 0.02
) -> subprocess.CompletedProcess[str]:
    config = folder / "config.toml"
    mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {port}'
    lamp = f'[drivers.desk]\nfollow = ["alice"]\n{driver}'
    config.write_text(f'state_dir = "state"\n{mqtt}\n{lamp}')
    return subprocess.run(
        [*DRIVER, "test", "desk", "--seconds", str(seconds), "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_each_look_is_named_and_shown(tmp_path: Path) -> None:
    done = tried(tmp_path, 'kind = "console"')
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[lines.index("in_a_call") + 1].endswith("desk  #ff0000 pulse every 2 s")
    assert "available" in lines


def test_a_lamp_that_never_showed_anything_is_a_failure(tmp_path: Path) -> None:
    done = tried(tmp_path, f'kind = "serial"\nport = "{tmp_path}/none"')
    assert done.returncode == 1
    assert "desk showed nothing: the lines above say why" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.broker
async def test_no_look_is_lost_while_the_broker_is_being_reached(
    broker: Mosquitto, tmp_path: Path
) -> None:
    sign = 'kind = "mqtt"\ndevice = "template"\ntopic = "sign"\npayload = "{look}"'
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("sign", qos=1)
        done = await asyncio.to_thread(tried, tmp_path, sign, port=broker.port, seconds=0.2)
        assert (done.returncode, "away" in done.stderr) == (0, False), done.stderr
        async with asyncio.timeout(20):
            first = await anext(aiter(client.messages))
    assert first.payload == next(iter(DEFAULT_LOOKS)).encode()


@pytest.mark.broker
async def test_where_nothing_shines_its_driver_shows_each_look(stage: Stage) -> None:
    virtual = 'kind = "virtual"'
    port = stage.broker.port
    done = await asyncio.to_thread(tried, stage.folder, virtual, port=port)
    assert (done.returncode, done.stdout) == (1, "")
    assert "desk does not run" in done.stderr
    stage.start("drivers", "desk")
    await stage.mqtt.until_text("presence/driver/desk/state", "online")
    since = len(stage.mqtt.heard)
    done = await asyncio.to_thread(tried, stage.folder, virtual, port=port)
    assert (done.returncode, done.stderr) == (0, "")
    red = {"r": 255, "g": 0, "b": 0}

    def is_call() -> bool:
        told = [heard for heard in stage.mqtt.heard[since:] if heard.topic == STATE]
        return any(json.loads(heard.payload).get("color") == red for heard in told)

    async with asyncio.timeout(20):
        while not is_call():  # noqa: ASYNC110 - facts of another process
            await asyncio.sleep(0.05)


def test_a_reader_who_goes_away_gets_no_traceback() -> None:
    with subprocess.Popen(
        [*DRIVER, "list"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as listing:
        assert listing.stdout
        listing.stdout.close()
        _, complaint = listing.communicate(timeout=60)
    assert "Traceback" not in complaint
    assert listing.returncode == 1
