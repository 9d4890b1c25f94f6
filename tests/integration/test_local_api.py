"""The socket in the state folder: who may ask there, and what becomes of who asks."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.commands.account_states import from_service
from bridge.commands.remote_by_socket import OverSocket, on_this_machine
from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState, Way
from bridge.contract.clock import Clock, SystemClock
from bridge.contract.errors import ConfigError, PersonMustActError, TryAgainError
from bridge.contract.latest import Latest
from bridge.service import local_socket
from bridge.service.local_api import LocalApi
from tests.fakes.clock import ManualClock

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Bridge:
    """A service that answers what it is told to."""

    people: int = 1
    asked: list[tuple[str, Any]] = field(default_factory=list)
    hangs: bool = False
    sign_in: Latest[SignIn] = field(default_factory=lambda: Latest(SignIn()))

    async def request(self, command: str, payload: bytes) -> bytes:
        self.asked.append((command, json.loads(payload)))
        if self.hangs:
            await asyncio.Event().wait()
        if command == "refuse":
            return b'{"status":"error","error":"accounts.bob.nmae: unknown","data":null}'
        return b'{"status":"ok","data":{"needs_restart":["web"]}}'

    def everybody(self) -> Iterator[tuple[Followed, AccountFacts]]:
        for number in range(self.people):
            name = f"person{number}"
            yield Followed(name), AccountFacts(name, name, polled_at=NOON, fresh=True)

    def sign_in_of(self, account: str) -> Latest[SignIn]:
        if account != "alice":
            raise PersonMustActError(f"{account} is not followed.", remedy="")
        return self.sign_in

    def at_the_broker(self) -> dict[str, Any]:
        return {"connected": True, "limits": None, "mqtt_version": "5.0", "problems": []}


def config(folder: Path) -> Config:
    return Config.model_validate({"state_dir": folder}, context={"folder": folder})


@asynccontextmanager
async def served(
    folder: Path, bridge: Bridge, clock: Clock | None = None
) -> AsyncIterator[asyncio.Task[None]]:
    api = LocalApi(
        folder,
        clock or SystemClock(),
        request=bridge.request,
        everybody=bridge.everybody,
        sign_in_of=bridge.sign_in_of,
        at_the_broker=bridge.at_the_broker,
    )
    task = asyncio.create_task(api.run())
    await asyncio.sleep(0.05)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


@asynccontextmanager
async def asking(folder: Path) -> AsyncIterator[OverSocket]:
    async with on_this_machine(config(folder)) as service:
        assert service is not None
        yield service


async def test_only_its_own_user_may_ask_and_it_is_gone_with_the_service(tmp_path: Path) -> None:
    file = tmp_path / local_socket.NAME
    async with served(tmp_path, Bridge()), asking(tmp_path) as service:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert await service.ask("reload") == {"needs_restart": ["web"]}
        with pytest.raises(PersonMustActError, match=r"refused: accounts\.bob\.nmae: unknown"):
            await service.ask("refuse")
    assert not file.exists()
    async with on_this_machine(config(tmp_path)) as gone:
        assert gone is None


@pytest.mark.parametrize("folder", ["", "nowhere", "file", "nowhere/" + "long/" * 30])
async def test_where_nobody_listens_there_is_no_service(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").touch()
    async with on_this_machine(config(tmp_path / folder)) as service:
        assert service is None


async def test_what_a_killed_service_left_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / local_socket.NAME))
    async with on_this_machine(config(tmp_path)) as service:
        assert service is None
    async with served(tmp_path, Bridge()), asking(tmp_path) as service:
        assert await service.ask("poll") is not None


async def test_a_path_that_is_too_long_for_a_socket_is_reached_another_way(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 20) / ("longer" * 20)
    folder.mkdir(parents=True)
    async with served(folder, Bridge()), asking(folder) as service:
        assert (folder / local_socket.NAME).is_socket()
        assert await service.ask("poll") is not None
    assert not list(folder.iterdir())


async def test_what_has_the_name_and_is_no_socket_stays_and_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, clock = tmp_path / local_socket.NAME, ManualClock()
    file.write_text("mine", encoding="utf-8")
    async with served(tmp_path, Bridge(), clock) as task:
        for _ in range(3):
            await clock.advance(30)
        assert not task.done()
        assert file.read_text(encoding="utf-8") == "mine"
        assert caplog.text.count("no socket: Address already in use") == 1
        file.unlink()
        await clock.advance(30)
        assert file.is_socket()


async def test_a_folder_that_is_not_there_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with served(tmp_path / "nowhere", Bridge()) as task:
        assert not task.done()
    assert "commands use the broker instead" in caplog.text


async def test_a_socket_that_somebody_took_away_is_recreated(tmp_path: Path) -> None:
    clock, file = ManualClock(), tmp_path / local_socket.NAME
    async with served(tmp_path, Bridge(), clock):
        file.unlink()
        await clock.advance(30)
        await asyncio.sleep(0.05)
        await clock.advance(30)
        assert file.is_socket()
        async with asking(tmp_path) as service:
            assert await service.ask("poll") is not None


async def test_two_ask_at_once_and_one_who_left_is_not_in_the_way(tmp_path: Path) -> None:
    bridge = Bridge()
    async with served(tmp_path, bridge), asking(tmp_path) as one, asking(tmp_path) as other:
        await asyncio.gather(*(each.ask("poll") for each in (one, other) for _ in range(5)))
        bridge.hangs = True
        leaving = asyncio.create_task(one.ask("poll"))
        await asyncio.sleep(0.05)
        leaving.cancel()
        bridge.hangs = False
        assert await other.ask("poll") is not None


async def test_a_service_that_stops_meanwhile_is_reported_as_that(tmp_path: Path) -> None:
    bridge = Bridge(hangs=True)
    async with served(tmp_path, bridge) as task, asking(tmp_path) as service:
        waiting = asyncio.create_task(service.ask("reload"))
        async with asyncio.timeout(5):
            while not bridge.asked:  # noqa: ASYNC110 - the server wakes nobody here
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(TryAgainError, match="ended before it answered"):
                await waiting


async def test_a_service_that_hangs_is_reported_as_that(tmp_path: Path) -> None:
    async with (
        served(tmp_path, Bridge(hangs=True)),
        on_this_machine(config(tmp_path), answer_s=0.05) as service,
    ):
        assert service is not None
        with pytest.raises(TryAgainError, match="did not answer in time"):
            await service.ask("reload")


async def test_an_answer_of_another_release_is_reported_as_that(tmp_path: Path) -> None:
    async with served(tmp_path, Bridge()), asking(tmp_path) as service:
        with pytest.raises(PersonMustActError, match="of another release"):
            await service.ask("not/known")


async def test_a_sign_in_is_logged_from_the_code_to_its_end(tmp_path: Path) -> None:
    bridge = Bridge()
    code = SignIn(SignInState.CODE_PENDING, user_code="ABC", verification_uri="https://m/device")
    bridge.sign_in.set(code)
    async with served(tmp_path, bridge), asking(tmp_path) as service:
        news = service.sign_in("alice", Way.DEVICE_CODE)
        assert await anext(news) == code
        bridge.sign_in.set(SignIn(SignInState.SIGNED_IN))
        assert await anext(news) == SignIn(SignInState.SIGNED_IN)
        await news.aclose()
        assert bridge.asked == [("signin", {"account": "alice", "way": "device_code"})]
        known = await service.sign_in_of("alice")
        assert known is not None
        assert known["state"] == "signed_in"
        assert await service.sign_in_of("bob") is None


async def test_thousands_of_people_come_fast_and_whole(tmp_path: Path) -> None:
    async with served(tmp_path, Bridge(people=5000)), asking(tmp_path) as service:
        async with asyncio.timeout(5):
            people = from_service(await service.people())
        assert len(people) == 5000
        assert people["person4999"].fresh


@pytest.mark.skipif(os.geteuid() == 0, reason="root may ask everybody")
async def test_who_may_not_look_into_the_folder_reads_whose_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    (folder / "x").mkdir()
    folder.chmod(0)
    try:
        with pytest.raises(ConfigError, match="run this as the user of the service"):
            async with on_this_machine(config(folder)):
                pass
    finally:
        folder.chmod(0o700)
