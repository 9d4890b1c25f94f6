"""Commands of the shell beside the running service, which they leave alone."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.loader import load
from bridge.contract.errors import PersonMustActError
from bridge.service import local_socket
from bridge.setup import InitOptions
from tests.e2e.conftest import Stage
from tests.fakes.init import initialise
from tests.fakes.mosquitto import Mosquitto, free_port, running
from tests.fakes.subscriber import Subscriber, subscriber

ROOT = Path(__file__).parents[2]
ONLINE = "presence/account/alice/availability"


@pytest_asyncio.fixture(loop_scope="session")
async def ids_by_user(stage: Stage, tmp_path: Path) -> AsyncIterator[Subscriber]:
    """The broker of the stage has the shipped rules, and takes the user's name as client id."""
    folder = tmp_path / "broker"
    shutil.copytree(ROOT / "mosquitto", folder / "mosquitto")
    initialise(folder, InitOptions(account="alice"))
    rules = (
        "allow_anonymous false\nuse_username_as_clientid true\n"
        "password_file {0}/passwords\nacl_file {0}/acl"
    )
    async with running(folder, extra=rules.format(folder / "mosquitto")) as broker:
        stage.broker = broker
        stage.configure()
        secret = folder / "secrets" / "mqtt_bridge"
        user = f'[mqtt]\nusername = "bridge"\npassword_file = "{secret}"'
        text = stage.config.read_text(encoding="utf-8").replace("[mqtt]", user)
        stage.config.write_text(text, encoding="utf-8")
        password = (folder / "secrets" / "mqtt_homeassistant").read_text(encoding="utf-8")
        async with subscriber(broker.port, username="homeassistant", password=password) as home:
            yield home


def connects(broker: Mosquitto) -> int:
    return len(re.findall(r"New client connected from \S+ as bridge ", broker.log))


async def test_a_broker_that_gives_ids_by_user_keeps_the_service_beside_all_of_them(
    stage: Stage, ids_by_user: Subscriber
) -> None:
    bridge = stage.start("bridge", "run")
    await ids_by_user.until_text(ONLINE, "online")
    for words in (("accounts",), ("reload",), ("doctor",), ("login",), ("logout", "alice")):
        done = await stage.command("bridge", *words)
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout)
    assert connects(stage.broker) == 1
    assert "reconnects" not in stage.log(bridge)
    assert stage.stop(bridge) == 0
    assert not (stage.folder / "state" / local_socket.NAME).exists()


async def test_commands_work_while_the_broker_is_away(stage: Stage) -> None:
    stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online")
    stage.broker.stop()
    table = await stage.command("bridge", "accounts")
    assert table.returncode == 0
    assert re.search(r"^alice +signed in +available/available ", table.stdout, re.MULTILINE)
    assert (await stage.command("bridge", "reload")).stdout == "Done.\n"
    login = await stage.command("bridge", "login")
    assert (login.returncode, login.stdout[-20:]) == (0, "alice is signed in.\n")
    doctor = await stage.command("bridge", "doctor")
    assert doctor.returncode == 1
    assert "cannot be reached: Connection refused" in doctor.stdout
    assert "ok   alice: the running service is signed in" in doctor.stdout


async def test_a_killed_service_is_followed_by_one_that_answers_and_a_second_robs_nobody(
    stage: Stage,
) -> None:
    first = stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online")
    stage.stop(first, signal.SIGKILL)
    assert (stage.folder / "state" / local_socket.NAME).is_socket()
    since = len(stage.mqtt.heard)
    stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online", since=since)
    second = await stage.command("bridge", "run")
    assert second.returncode == 2
    assert "is used by another running bridge" in second.stderr
    assert (await stage.command("bridge", "reload")).stdout == "Done.\n"


async def test_a_service_that_hangs_is_reported_and_nobody_waits_for_ever(stage: Stage) -> None:
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online")
    bridge.send_signal(signal.SIGSTOP)
    began_s = time.monotonic()
    try:
        hung = await stage.command("bridge", "accounts")
    finally:
        bridge.send_signal(signal.SIGCONT)
    assert time.monotonic() - began_s < 40
    assert (hung.returncode, hung.stdout) == (1, "")
    assert hung.stderr == (
        "accounts: the service runs, and did not answer in time; if that goes on, restart it.\n"
    )


async def test_a_service_that_stops_ends_who_waits_for_a_code(stage: Stage) -> None:
    stage.microsoft.auto_approve(None)
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until("presence/account/alice/auth", lambda h: bool(h.json["user_code"]))
    login = stage.start("bridge", "login")
    async with asyncio.timeout(20):
        line = await asyncio.to_thread(login.stdout.readline)  # type: ignore[union-attr]
    assert "enter the code" in line
    assert stage.stop(bridge) == 0
    assert await asyncio.to_thread(login.wait, 10) == 1
    assert "the service ended before it answered" in stage.log(login)


async def test_without_a_socket_the_broker_is_asked_as_before(stage: Stage) -> None:
    """Some disks have no sockets; a service of the last release makes none."""
    (stage.folder / "state" / local_socket.NAME).mkdir(parents=True)
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online")
    await stage.until_logged(bridge, "commands use the broker instead", times=1)
    table = await stage.command("bridge", "accounts")
    assert (table.returncode, "available/available" in table.stdout) == (0, True)
    assert (await stage.command("bridge", "reload")).stdout == "Done.\n"
    login = await stage.command("bridge", "login")
    assert (login.returncode, login.stdout[-20:]) == (0, "alice is signed in.\n"), login.stderr
    assert (await stage.command("bridge", "doctor")).returncode == 0
    assert (await stage.command("bridge", "logout", "alice")).returncode == 0


async def test_all_that_can_be_asked_on_the_broker_can_here_and_nothing_more_on_the_port(
    stage: Stage,
) -> None:
    port = free_port()
    stage.configure(web=f"port = {port}")
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text(ONLINE, "online")
    config = load(stage.config, {})
    async with on_this_machine(config) as service, aiohttp.ClientSession() as browser:
        assert service is not None
        assert (await service.ask("health_check"))["healthy"] is True
        with pytest.raises(PersonMustActError, match="unknown command; known: poll, signin"):
            await service.ask("nonsense")
        since = len(stage.mqtt.heard)
        await service.ask("rediscover")
        await stage.mqtt.until("homeassistant/device/presence_account_alice/config", since=since)
        api = f"http://127.0.0.1:{port}/api/v1"
        for path in ("broker", "sign-ins/alice"):
            async with browser.get(f"{api}/{path}") as answer:
                assert answer.status == 404
        async with browser.post(f"{api}/requests/restart") as answer:
            assert answer.status in (403, 404)
        since = len(stage.mqtt.heard)
        await service.ask("restart")
    await stage.mqtt.until_text(ONLINE, "online", since=since)
    assert not [heard for heard in stage.mqtt.heard if "/response/" in heard.topic]
    assert bridge.poll() is None
    assert (await stage.command("bridge", "reload")).stdout == "Done.\n"
