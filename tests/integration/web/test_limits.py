"""Visitors who take more than their share, over real sockets. Times are moved, not waited for."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from bridge.web.serving.limits import CALM_S, Limits
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import RunningPage, person, serving
from tests.integration.web.conftest import HOUSEHOLD, client_of
from tests.integration.web.visitor import read

LIMITS = Limits(connections=8, connections_each=4, streams=4, streams_each=3)
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
POST = (
    b"POST /poll HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
)
MOMENT_S = 0.2
"""Long enough to see that nothing happens."""
STRANGER, OTHER = "127.0.0.2", "127.0.0.3"


class Visitor:
    """A raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def say(self, text: bytes) -> None:
        self._writer.write(text)

    async def comes_back(self) -> bytes:
        async with asyncio.timeout(5):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def is_out(self, within_s: float = 10) -> bool:
        """Whether the page closes the connection."""
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(within_s):
                await self._reader.read()
                return True
        return self._reader.exception() is not None

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def visitors(
    page: RunningPage, count: int, *, of: str = STRANGER
) -> AsyncIterator[list[Visitor]]:
    """Connections from one address, or each from the next one when ``of`` ends with a dot."""
    came: list[Visitor] = []
    try:
        for number in range(count):
            source = f"{of}{number + 10}" if of.endswith(".") else of
            streams = await asyncio.open_connection(
                "127.0.0.1", page.port, local_addr=(source, 0), limit=2**16
            )
            came.append(Visitor(*streams))
        yield came
    finally:
        for each in came:
            each.close()


async def still_in(came: list[Visitor]) -> int:
    return sum(not out for out in await asyncio.gather(*(each.is_out(MOMENT_S) for each in came)))


async def at_most(count: int, came: list[Visitor]) -> bool:
    """Whether all but ``count`` of those who ``came`` are put out."""
    async with asyncio.timeout(10):
        while await still_in(came) > count:
            pass
    return True


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "web" in record.name]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest_asyncio.fixture(loop_scope="session")
async def page(tmp_path: Path, clock: ManualClock) -> AsyncIterator[RunningPage]:
    async with serving(
        tmp_path, HOUSEHOLD, clock=clock, limits=LIMITS, settings={"history": False}
    ) as running:
        yield running


async def test_silent_connections_of_one_address_leave_room_and_are_reported_once(
    page: RunningPage, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with visitors(page, 30) as strangers, client_of(page) as client:
        assert "Alice" in await read(client)
        assert await at_most(LIMITS.connections_each, strangers)
        [line] = told(caplog)
        assert STRANGER in line
        await clock.advance(CALM_S + 1)
        assert told(caplog)[1:] == ["the page has room for everybody again"]
        assert "asyncio" not in {record.name for record in caplog.records}


async def test_silent_connections_of_many_addresses_make_room_for_who_asks(
    page: RunningPage, caplog: pytest.LogCaptureFixture
) -> None:
    async with visitors(page, 60, of="127.0.9.") as strangers, client_of(page) as client:
        assert "Alice" in await read(client)
        assert await at_most(LIMITS.connections - 1, strangers)
        [line] = told(caplog)
        assert "all 8 connections to the page are taken" in line


async def test_who_is_served_keeps_the_place(page: RunningPage, clock: ManualClock) -> None:
    async with client_of(page) as client, client.get("events") as news:
        async with visitors(page, 30, of="127.0.0.1"):
            assert "Alice" in await read(client)
        page.show(person("zoe"))
        await clock.advance(1)
        async with asyncio.timeout(5):
            while b"Zoe" not in await news.content.readline():
                pass


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        ASK,
        POST + b"Content-Length: 99\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["nothing", "headers", "body", "chunks"],
)
async def test_a_request_that_drips_is_cut_off(
    page: RunningPage, clock: ManualClock, begun: bytes
) -> None:
    async with visitors(page, 1) as [visitor]:
        visitor.say(begun)
        for _ in range(int(LIMITS.request_s) - 1):
            await clock.advance(1)
            if begun.startswith(b"GET"):
                visitor.say(b"a: b\r\n")
            elif begun:
                visitor.say(b"1\r\na\r\n"[: 6 if b"chunked" in begun else 1])
        assert not await visitor.is_out(MOMENT_S)
        await clock.advance(2)
        assert await visitor.is_out()


async def test_a_second_request_has_a_deadline_of_its_own(
    page: RunningPage, clock: ManualClock
) -> None:
    async with visitors(page, 2) as [dripping, resting]:
        for each in (dripping, resting):
            each.say(ASK + b"\r\n")
            assert b"200 OK" in await each.comes_back()
        dripping.say(ASK)
        for _ in range(int(LIMITS.idle_s) - 10):
            await asyncio.sleep(0.01)  # it arrives
            await clock.advance(1)
        assert await dripping.is_out()
        assert not await resting.is_out(MOMENT_S)
        await clock.advance(LIMITS.idle_s)
        assert await resting.is_out()


async def test_half_a_request_behind_another_one_does_not_stay(
    page: RunningPage, clock: ManualClock
) -> None:
    async with visitors(page, 1) as [visitor]:
        visitor.say(ASK + b"\r\n" + ASK)
        assert b"200 OK" in await visitor.comes_back()
        await clock.advance(LIMITS.idle_s + 1)
        assert await visitor.is_out()


@pytest.mark.parametrize("path", [b"events", b"api/v1/snapshot"])
async def test_a_reader_who_does_not_read_is_dropped(
    page: RunningPage, clock: ManualClock, path: bytes
) -> None:
    crowd = [person(f"p{number}", says="x" * 200) for number in range(20_000)]
    page.show(*crowd)
    await clock.advance(1)
    async with visitors(page, 1) as [visitor]:
        visitor.say(b"GET /" + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await visitor.comes_back()
        for number in range(400 if path == b"events" else 0):
            page.show(*[person(f"p{n}", says=f"{number}" * 900) for n in range(24)])
            await clock.advance(0.1)
        await clock.advance(LIMITS.unread_s + 1)
        assert await visitor.is_out()


async def test_open_pages_are_counted_for_each_reader_and_in_all(
    page: RunningPage, caplog: pytest.LogCaptureFixture
) -> None:
    ask = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with AsyncExitStack() as open_pages:
        answers = []
        for source, count in ((STRANGER, LIMITS.streams_each + 1), (OTHER, 2)):
            for each in await open_pages.enter_async_context(visitors(page, count, of=source)):
                each.say(ask)
                answers.append((await each.comes_back())[9:12])
        assert answers == [b"200"] * 3 + [b"503"] + [b"200"] + [b"503"]
        [line] = told(caplog)
        assert "too many pages" in line
    async with client_of(page) as client, asyncio.timeout(5):
        while await _status(client) != 200:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)


async def _status(client: aiohttp.ClientSession) -> int:
    async with client.get("events") as answer:
        return answer.status


async def test_a_trusted_proxy_may_have_all_and_its_readers_are_kept_apart(tmp_path: Path) -> None:
    settings = {"trusted_proxies": [STRANGER]}
    many = replace(LIMITS, connections_each=2)
    async with serving(tmp_path, HOUSEHOLD, limits=many, settings=settings) as page:
        async with visitors(page, 6) as through:
            assert await still_in(through) == 6
        async with visitors(page, 4) as through:
            for number, each in enumerate(through):
                each.say(
                    b"GET /events HTTP/1.1\r\nHost: localhost\r\n"
                    b"X-Forwarded-For: 192.0.2.%d\r\n\r\n" % number
                )
                assert b"200 OK" in await each.comes_back()


async def test_a_proxy_that_only_forwards_may_have_all_connections_too(tmp_path: Path) -> None:
    password = tmp_path / "password"
    write(password, "correct horse")
    settings = {"password_file": password, "forwarded_from": [STRANGER]}
    few = replace(LIMITS, connections_each=2)
    async with serving(tmp_path, HOUSEHOLD, limits=few, settings=settings) as page:
        async with visitors(page, 6) as through:
            assert await still_in(through) == 6
        async with visitors(page, 6, of=OTHER) as others:
            assert await still_in(others) == 2


def write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


@contextmanager
def out_of_files() -> Iterator[Callable[[], None]]:
    """No file can be opened any more; what is yielded takes those that were given back since."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = [os.dup(0)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken[0] + 1, before[1]))

    def take() -> None:
        with suppress(OSError):
            while True:
                taken.append(os.dup(0))

    try:
        yield take
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for each in taken:
            os.close(each)


async def test_a_process_out_of_files_says_so_once_and_goes_on(
    page: RunningPage, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    loop = asyncio.get_running_loop()
    with ExitStack() as opened:
        strangers = [opened.enter_context(socket.socket()) for _ in range(5)]
        with out_of_files() as take_all:
            for stranger in strangers:
                take_all()
                stranger.settimeout(0)
                await loop.sock_connect(stranger, ("127.0.0.1", page.port))
                await clock.advance(1)
        [line] = told(caplog)
        assert line.startswith("the process may open no more files")
        await clock.advance(1)
        async with client_of(page) as client:
            assert "Alice" in await read(client)
    assert "asyncio" not in {record.name for record in caplog.records}


def test_most_files_are_left_to_the_bridge() -> None:
    assert Limits.of_files(1024).connections == 256
    assert Limits.of_files(1_000_000).connections == 256
    assert Limits.of_files(256).connections == 64
    assert Limits.of_files(16).connections == 8
    for files in (16, 256, 1024):
        limits = Limits.of_files(files)
        assert 0 < limits.streams_each <= limits.streams < limits.connections
        assert limits.connections_each < limits.connections


async def test_errors_do_not_reveal_which_library_answers(page: RunningPage) -> None:
    for request in (
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: wonders\r\n\r\n",
        b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ):
        async with visitors(page, 1) as [visitor]:
            visitor.say(request)
            answer = await visitor.comes_back()
            assert b"aiohttp" not in answer
            assert b"Python" not in answer
            assert b"Server: presence-bridge\r\n" in answer
