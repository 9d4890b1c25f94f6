"""A new password of the page, while it is open somewhere."""

from __future__ import annotations

import asyncio
import base64
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from bridge.web.access.password_file import LOOK_S
from bridge.web.access.sessions import LIFETIME
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import serving
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD, client_of
from tests.integration.web.visitor import press, read

ANOTHER = "another horse"


def rewrite(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")


def remove(file: Path) -> None:
    file.unlink()


async def ends(news: aiohttp.ClientResponse) -> None:
    """Wait until a stream is over."""
    with suppress(aiohttp.ClientPayloadError):
        async with asyncio.timeout(5):
            await news.content.read()


async def looked(clock: ManualClock, times: int, *, streams: int = 0) -> None:
    """Let so many looks at the file pass; who looks after connections sleeps too."""
    for _ in range(times):
        await clock.until_asleep(2 + streams)
        await clock.advance(LOOK_S)
    await clock.until_asleep(2 + streams)


async def test_a_new_password_ends_what_is_open_and_all_sessions(
    tmp_path: Path, password_file: Path
) -> None:
    clock = ManualClock()
    settings = {"password_file": password_file, "history": False}
    basic = {"Authorization": f"Basic {base64.b64encode(f':{PASSWORD}'.encode()).decode()}"}
    async with (
        serving(tmp_path, HOUSEHOLD, clock=clock, settings=settings) as page,
        client_of(page) as client,
        client_of(page) as program,
    ):
        assert (await press(client, "enter", password=PASSWORD)).status == 303
        async with program.get("metrics", headers=basic) as answer:
            assert answer.status == 200
        async with client.get("events") as news, program.get("events", headers=basic) as others:
            rewrite(password_file, ANOTHER)
            await looked(clock, 1, streams=2)
            assert "Alice" in await read(client)  # an editor may be half done
            await looked(clock, 1)
            await ends(news)
            await ends(others)
        assert "Alice" not in await read(client)
        async with program.get("metrics", headers=basic) as answer:
            assert answer.status == 401
        assert (await press(client, "enter", password=PASSWORD)).status == 401
        assert (await press(client, "enter", password=ANOTHER)).status == 303
        assert "Alice" in await read(client)


@pytest.mark.parametrize("text", ["", "short", "scrypt$x"])
async def test_what_is_no_password_changes_nothing_and_is_logged_once(
    tmp_path: Path, password_file: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    settings = {"password_file": password_file, "history": False}
    async with (
        serving(tmp_path, HOUSEHOLD, clock=clock, settings=settings) as page,
        client_of(page) as client,
    ):
        assert (await press(client, "enter", password=PASSWORD)).status == 303
        if text:
            rewrite(password_file, text)
        else:
            remove(password_file)
        await looked(clock, 5)
        assert "Alice" in await read(client)
        [line] = [record.getMessage() for record in caplog.records]
        assert line.startswith("web.password_file: ")
        assert line.endswith("the page keeps its old password")
        rewrite(password_file, PASSWORD)  # the same as before
        await looked(clock, 3)
        assert "Alice" in await read(client)
        rewrite(password_file, ANOTHER)
        await looked(clock, 2)
        assert "Alice" not in await read(client)


async def test_a_stream_ends_with_its_session(tmp_path: Path, password_file: Path) -> None:
    clock = ManualClock()
    settings = {"password_file": password_file, "history": False}
    async with (
        serving(tmp_path, HOUSEHOLD, clock=clock, settings=settings) as page,
        client_of(page) as client,
    ):
        assert (await press(client, "enter", password=PASSWORD)).status == 303
        async with client.get("events") as news:
            await news.content.readline()
            clock.jump_wall(LIFETIME.total_seconds())
            await clock.advance(30)
            await ends(news)
        assert "Alice" not in await read(client)
