"""The whole service in this process, with no broker in reach and no Microsoft."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import cast

import aiohttp
import pytest

from bridge.config import state_dir
from bridge.config.tables.config import Config
from bridge.config.tables.web import WebSettings
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.errors import PersonMustActError
from bridge.contract.presence import Availability, Presence
from bridge.contract.wire import encode_account_state
from bridge.service.page import Page, open_page
from bridge.service.service import Service
from tests.fakes.clock import ManualClock
from tests.fakes.memory_broker import MemoryBroker
from tests.fakes.mosquitto import free_port
from tests.integration.web.visitor import press, read
from tests.integration.web.visitor import until as visited

GUID = "11111111-2222-3333-4444-555555555555"
SESSION_TAKEN_OVER = 0x8E


def config(folder: Path, *accounts: str) -> Config:
    return Config.model_validate(
        {
            "state_dir": folder,
            "mqtt": {"host": "127.0.0.1", "port": 1},
            "microsoft": {
                "tenant": GUID,
                "client_id": GUID,
                "login_url": "https://127.0.0.1:1",
                "graph_url": "https://127.0.0.1:1",
            },
            "web": {"enabled": False},
            "accounts": {account: {} for account in accounts},
        },
        context={"folder": folder},
    )


@asynccontextmanager
async def running(service: Service, clock: ManualClock) -> AsyncIterator[None]:
    task = asyncio.create_task(service.run())
    await clock.advance(0)
    try:
        yield
        assert not task.done()
    finally:
        service.stop()
        async with asyncio.timeout(5):
            await task


async def until(is_so: Callable[[], bool]) -> None:
    """For what a worker thread does."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(0.01)


class BuggyView:
    """It shows nobody."""

    clocks_apart_s: Mapping[str, int] = MappingProxyType({})

    def update(self, facts: AccountFacts) -> None:
        raise ZeroDivisionError("another bug")

    def follow(self, accounts: Mapping[str, Followed], *, added_here: Collection[str]) -> None:
        pass


class BuggyPage:
    """A page that fails twice."""

    def __init__(self) -> None:
        self.runs, self.view = 0, BuggyView()

    async def run(self) -> None:
        self.runs += 1
        if self.runs <= 2:
            raise ZeroDivisionError("a bug")
        await asyncio.Event().wait()


async def test_a_bug_of_the_page_is_reported_in_health_and_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, page = ManualClock(), BuggyPage()

    def open_page(*_: object) -> Page:
        return cast(Page, page)

    service = Service(config(tmp_path, "alice"), open_page=open_page, clock=clock)
    async with running(service, clock):
        assert service.health().reason is not None
        await clock.advance(10)
        assert page.runs == 3
        assert "page: Internal error, started again." in str(service.health().reason)
        await until(lambda: "another bug" in caplog.text)  # a worker has read that nobody signed in
    assert caplog.text.count("page: internal error") == 2, "once for each"
    assert "alice: internal error" not in caplog.text


async def test_what_the_broker_refuses_is_reported_in_health_until_it_is_right(
    tmp_path: Path,
) -> None:
    clock, broker = ManualClock(), MemoryBroker()
    requests = "presence/bridge/request/+"
    broker.refused.add(requests)
    service = Service(config(tmp_path), connect=broker.connect, clock=clock)
    async with running(service, clock):
        await clock.advance(state_dir.HEARTBEAT_EVERY_S)
        health = broker.json("presence/bridge/health")
        assert (health["healthy"], requests in health["reason"]) == (False, True)
        broker.refused.clear()
        await clock.advance(60 + state_dir.HEARTBEAT_EVERY_S)
        assert broker.json("presence/bridge/health")["healthy"]


async def test_another_bridge_in_its_place_is_reported_in_health_and_its_messages_stay(
    tmp_path: Path,
) -> None:
    clock, broker = ManualClock(), MemoryBroker()
    service = Service(config(tmp_path), connect=broker.connect, clock=clock)
    async with running(service, clock):
        await clock.advance(1)
        broker.lose(broker.sessions[0], SESSION_TAKEN_OVER)
        broker.tell("presence/bridge/state", "online")
        heard = list(broker.heard)
        await clock.advance(120)
        health = service.health()
        assert not health.healthy
        assert health.failing
        assert "another program uses the client id 'presence-bridge'" in (health.reason or "")
        (beside,) = broker.sessions
        assert beside.greeting.client_id.startswith("presence-bridge-standby-")
        assert beside.greeting.will is None
        assert beside.filters == {"presence/bridge/state"}
    assert broker.heard == heard
    assert broker.text("presence/bridge/state") == "online"


async def test_that_a_sign_in_is_needed_is_published_before_the_next_beat(tmp_path: Path) -> None:
    clock, broker = ManualClock(), MemoryBroker()
    service = Service(config(tmp_path, "alice"), connect=broker.connect, clock=clock)
    async with running(service, clock):
        await until(lambda: service.health().sign_in_needed == ("alice",))
        await clock.advance(state_dir.HEARTBEAT_EVERY_S / 5)
        health = broker.json("presence/bridge/health")
        assert (health["healthy"], health["sign_in_needed"]) == (False, ["alice"])
        assert health["reason"].startswith("alice: sign-in needed.")


async def test_that_nothing_is_heard_is_reported_in_health_until_it_is(tmp_path: Path) -> None:
    clock, broker = ManualClock(), MemoryBroker()
    broker.delivers = False
    service = Service(config(tmp_path), connect=broker.connect, clock=clock)
    async with running(service, clock):
        await clock.advance(state_dir.HEARTBEAT_EVERY_S)
        health = broker.json("presence/bridge/health")
        assert not health["healthy"]
        assert "connected, but receives nothing: check that user anonymous" in health["reason"]
        broker.delivers = True
        await clock.advance(60 + state_dir.HEARTBEAT_EVERY_S)
        assert broker.json("presence/bridge/health")["healthy"]


async def test_a_state_folder_that_is_gone_costs_memory_and_is_used_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder, clock = tmp_path / "state", ManualClock()
    folder.write_text("a file where the folder should be", encoding="utf-8")
    service = Service(config(folder, "alice"), clock=clock)
    async with running(service, clock):
        await until(lambda: caplog.text.count("cannot be written") >= 2)
        for _ in range(5):
            await clock.advance(state_dir.HEARTBEAT_EVERY_S)
            await asyncio.sleep(0.01)
        for file in (state_dir.HEARTBEAT, state_dir.EPOCH):
            assert caplog.text.count(f"{file} cannot be written") == 1
        folder.unlink()
        await clock.advance(state_dir.HEARTBEAT_EVERY_S)
        await until((folder / state_dir.HEARTBEAT).exists)
    assert int((folder / state_dir.EPOCH).read_text(encoding="utf-8")) > 0, "written at the end"
    assert caplog.text.count("heartbeat is written again") == 1


async def test_a_request_about_somebody_who_is_not_followed_is_refused_in_words(
    tmp_path: Path,
) -> None:
    clock = ManualClock()
    service = Service(config(tmp_path, "alice"), clock=clock)
    async with running(service, clock):
        for ask in (service.sign_in, service.preferred, service.poll):
            with pytest.raises(PersonMustActError, match="bob is not followed"):
                ask("bob")
        with pytest.raises(PersonMustActError, match="bob is not followed"):
            await service.sign_out("bob")


async def test_to_read_now_says_why_nothing_can_be_read(tmp_path: Path) -> None:
    clock = ManualClock()
    service = Service(config(tmp_path, "alice"), clock=clock)
    async with running(service, clock):
        await until(lambda: service.health().sign_in_needed == ("alice",))
        assert service.health().consecutive_failures == 0
        for account in ("alice", None):
            with pytest.raises(PersonMustActError, match="alice is not signed in"):
                service.poll(account)
    nobody = Service(config(tmp_path), clock=clock)
    async with running(nobody, clock):
        with pytest.raises(PersonMustActError, match="Nobody is followed"):
            nobody.poll()


async def test_who_stands_in_the_config_file_is_not_removed_from_here(tmp_path: Path) -> None:
    service = Service(config(tmp_path, "alice"), clock=ManualClock())
    with pytest.raises(PersonMustActError, match=r"alice was not added here\. Take it out of"):
        await service.remove_person("alice")


async def test_a_reload_takes_a_new_password_of_the_page_at_once(tmp_path: Path) -> None:
    clock, password, port = ManualClock(), tmp_path / "password", free_port()
    write(password, "correct horse")
    page = WebSettings(port=port, password_file=password)
    settings = config(tmp_path, "alice").model_copy(update={"web": page})
    service = Service(settings, open_page=open_page, connect=MemoryBroker().connect, clock=clock)
    async with (
        running(service, clock),
        aiohttp.ClientSession(
            f"http://127.0.0.1:{port}/",
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            headers={"Accept": "text/html"},
        ) as client,
    ):
        async with asyncio.timeout(5):
            while not await is_open(port):  # noqa: ASYNC110 - a port wakes nobody
                await asyncio.sleep(0.01)
        assert (await press(client, "enter", password="correct horse")).status == 303
        assert "alice" in await read(client)
        write(password, "another horse")
        service.reload()
        assert "alice" not in await visited(client, "Password of this page")
        assert (await press(client, "enter", password="another horse")).status == 303


async def is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


async def test_a_reload_may_leave_nobody_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, now = ManualClock(), [config(tmp_path, "alice")]
    service = Service(now[0], read_config=lambda: now[0], clock=clock)
    async with running(service, clock):
        now[0] = config(tmp_path)
        assert service.reload() == []
        assert "follows nobody" in caplog.text
        now[0] = config(tmp_path, "bob")
        service.reload()
        with pytest.raises(PersonMustActError):
            service.preferred("alice")


async def test_a_higher_epoch_on_the_broker_is_outdone(tmp_path: Path) -> None:
    clock = ManualClock()
    foreign = AccountFacts("alice", "Alice", presence=Presence(Availability.AWAY), epoch=2**40)
    broker = MemoryBroker()
    broker.tell("presence/account/alice/state", encode_account_state(foreign).decode())
    service = Service(config(tmp_path, "alice"), connect=broker.connect, clock=clock)
    async with running(service, clock):
        await clock.advance(1)
    assert (tmp_path / state_dir.EPOCH).read_text(encoding="utf-8") == str(2**40 + 1)


async def test_the_end_is_published_once(tmp_path: Path) -> None:
    told: list[str] = []
    clock = ManualClock()
    service = Service(
        config(tmp_path, "alice"), stopping=lambda: told.append("stopping"), clock=clock
    )
    task = asyncio.create_task(service.run())
    await clock.advance(0)
    service.restart()
    service.stop()
    await task
    assert told == ["stopping"]


def test_a_mistyped_config_is_no_first_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge", "run", "--config", str(tmp_path / "confg.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"{tmp_path / 'confg.toml'}: there is no such file" in done.stderr
