"""The stream of news, read byte by byte."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.contract.presence import Activity, Availability
from bridge.web.events import BEAT_S
from tests.fakes.clock import ManualClock
from tests.fakes.web_page import RunningPage, person, service, serving
from tests.integration.web.conftest import HOUSEHOLD, client_of
from tests.integration.web.visitor import TOKEN, read, token_of, until

HAVE = re.compile(r'data-have="([^"]*)"')


class Stream:
    """Events of one open page."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def block(self) -> str:
        """What comes up to the next empty line."""
        lines: list[str] = []
        async with asyncio.timeout(10):
            while line := (await self._content.readline()).decode().rstrip("\n"):
                lines.append(line)
        return "\n".join(lines)

    async def event(self) -> tuple[str, dict[str, Any]]:
        kind, data = (line.partition(": ")[2] for line in (await self.block()).split("\n"))
        return kind, json.loads(data)

    async def part(self, name: str) -> str:
        """The next markup of the element called ``name``."""
        while True:
            kind, data = await self.event()
            if kind == "part" and data["id"] == name:
                return str(data["html"])


@asynccontextmanager
async def listening(client: aiohttp.ClientSession, **query: str) -> AsyncIterator[Stream]:
    async with client.get("events", params=query) as answer:
        assert answer.content_type == "text/event-stream"
        yield Stream(answer.content)


async def test_a_stream_begins_with_the_whole_page(browser: aiohttp.ClientSession) -> None:
    async with listening(browser) as stream:
        kind, hello = await stream.event()
        assert kind == "hello"
        assert hello["release"].startswith("1.2.3-")
        assert hello["now"].endswith("+00:00")
        names = [(await stream.event())[1]["id"] for _ in range(6)]
        assert names == ["people", "refusal", "tables", "today", "lights", "health"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_no_proxy_is_to_change_or_collect_a_stream_and_its_first_event_comes_alone(
    home: RunningPage, version: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
    writer.write(f"GET /events HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        if version == "1.1":
            length = int(await reader.readline(), 16)
            hello = await reader.readexactly(length)
            assert hello.startswith(b"event: hello\n")
            assert hello.count(b"\n\n") == 1
            assert hello.endswith(b"\n\n")
        else:
            assert await reader.readline() == b"event: hello\n"
    writer.close()
    assert "\r\nContent-Encoding: identity\r\n" in head
    assert "\r\nCache-Control: no-cache, no-transform\r\n" in head
    assert "\r\nX-Accel-Buffering: no\r\n" in head
    assert ("Transfer-Encoding" in head) is (version == "1.1")


async def test_only_what_changed_is_sent_and_with_the_readers_own_token(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    mine = await token_of(browser)
    async with client_of(home) as other, listening(browser) as stream, listening(other) as theirs:
        await stream.part("health")
        await theirs.part("health")
        alice, bob = HOUSEHOLD.people
        home.show(person("alice", says="gone"), bob)
        kind, news = await stream.event()
        assert (kind, news["id"]) == ("part", "person-alice")
        assert "gone" in news["html"]
        assert set(TOKEN.findall(news["html"])) == {mine}
        assert set(TOKEN.findall(await theirs.part("person-alice"))) != {mine}
        assert alice


async def test_the_newest_wins_over_a_flood(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    async with listening(browser) as stream:
        await stream.part("health")
        for number in range(500):
            home.show(person("alice", says=f"number {number}"), *HOUSEHOLD.people[1:])
            if number % 50 == 0:
                await asyncio.sleep(0)
        seen = 0
        while "number 499" not in await stream.part("person-alice"):
            seen += 1
        assert seen < 20


async def test_who_comes_brings_the_whole_section(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    async with listening(browser) as stream:
        await stream.part("health")
        home.show(*HOUSEHOLD.people, person("carol"))
        assert 'id="person-carol"' in await stream.part("people")


async def test_a_search_gets_news_of_those_it_found(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    async with listening(browser, find="bob") as stream:
        people = await stream.part("people")
        assert "Bob" in people
        assert "Alice" not in people
        await stream.part("health")
        home.show(person("alice", says="x"), person("bob"))
        assert (await stream.event())[1]["id"] == "person-bob"


async def test_a_quiet_stream_says_that_it_lives(tmp_path: Path) -> None:
    clock = ManualClock()
    async with (
        serving(tmp_path, HOUSEHOLD, clock=clock, settings={"history": False}) as page,
        client_of(page) as client,
        listening(client) as stream,
    ):
        await stream.part("health")
        await clock.advance(1)  # what follows a change has passed
        await clock.until_asleep(2)  # the stream, and who looks after connections
        await clock.advance(BEAT_S)
        kind, beat = await stream.event()
        assert kind == "beat"
        assert clock.now() - timedelta(seconds=2) < datetime.fromisoformat(beat["now"])


async def test_a_presence_that_nobody_renewed_gets_too_old_by_itself(tmp_path: Path) -> None:
    clock = ManualClock()
    until = clock.now() + timedelta(seconds=BEAT_S)
    snapshot = replace(HOUSEHOLD, people=(person("alice", valid_until=until),))
    async with (
        serving(tmp_path, snapshot, clock=clock, settings={"history": False}) as page,
        client_of(page) as client,
        listening(client) as stream,
    ):
        assert "In a call" in await stream.part("people")
        await stream.part("health")
        await clock.advance(1)
        await clock.until_asleep(2)
        await clock.advance(BEAT_S)
        assert "too old to show" in await stream.part("person-alice")


async def test_a_page_that_has_everything_gets_only_what_differs(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"history": False}) as page,
        client_of(page) as client,
    ):
        have = HAVE.search(await read(client))
        assert have
        page.show(person("alice", says="Back at four"), HOUSEHOLD.people[1])
        await until(client, "Back at four")
        async with listening(client, have=have[1]) as stream:
            assert (await stream.event())[0] == "hello"
            kind, news = await stream.event()
            assert (kind, news["id"]) == ("part", "person-alice")
            page.show(service=service(reconnects=7))
            assert (await stream.event())[1]["id"] == "health"  # nothing came in between


async def test_another_order_comes_as_such(tmp_path: Path) -> None:
    alice, bob = (person(n, Availability.AWAY, Activity.AWAY) for n in ("alice", "bob"))
    snapshot = replace(HOUSEHOLD, people=(alice, bob))
    async with (
        serving(tmp_path, snapshot, settings={"history": False}) as page,
        client_of(page) as client,
        listening(client) as stream,
    ):
        await stream.part("health")
        page.show(alice, person("bob"))
        assert (await stream.event())[1]["id"] == "person-bob"
        assert await stream.event() == ("order", {"ids": ["person-bob", "person-alice"]})


async def test_the_screen_at_the_door_gets_news_of_one(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    async with listening(browser, only="alice") as stream:
        assert "In a call" in await stream.part("kiosk")
        home.show(person("alice", Availability.AWAY, Activity.AWAY), person("bob"))
        assert "Away" in await stream.part("kiosk")


async def test_a_stop_ends_open_streams_at_once(tmp_path: Path) -> None:
    async with asyncio.timeout(8):
        async with serving(tmp_path, HOUSEHOLD) as page:
            client = client_of(page)
            answer = await client.get("events")
            await Stream(answer.content).part("health")
        with suppress(aiohttp.ClientPayloadError):
            await answer.content.read()
        answer.close()
        await client.close()
