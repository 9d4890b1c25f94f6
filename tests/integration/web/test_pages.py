"""The page and its API as a client without a script sees them."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.web.data.snapshot import Person, Snapshot
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import free_port
from tests.fakes.web_page import RunningPage, person, service, serving, waiting
from tests.integration.web.conftest import HOUSEHOLD, PASSWORD, client_of
from tests.integration.web.visitor import press, read, until

WAITS = "standby: a serves, this node (b) waits"
PAGE_LIMIT = 60_000
"""Bytes of the page with all that it loads."""
PACKED_LIMIT = 20_000
"""The same as it comes to a browser."""


async def test_the_page_and_all_that_it_loads_is_small(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    people = [
        person(f"person{n}", says="A status message of a usual length, I think.") for n in range(8)
    ]
    home.show(*people, *HOUSEHOLD.people)
    await until(browser, "Person7")
    modules = set(re.findall(r'"\./(\w+\.js)"', await read(browser, "static/page.js")))
    assert len(modules) > 5
    whole, packed = 0, 0
    headers = {"Accept": "text/html", "Accept-Encoding": "gzip"}
    async with aiohttp.ClientSession(home.address, auto_decompress=False) as client:
        for path in ("./", *(f"static/{n}" for n in ("page.css", "page.js", "icon.svg", *modules))):
            async with client.get(path, headers=headers) as answer:
                assert answer.status == 200
                body = await answer.read()
            packed += len(body)
            is_packed = answer.headers.get("Content-Encoding") == "gzip"
            whole += len(gzip.decompress(body) if is_packed else body)
    assert whole < PAGE_LIMIT, (whole, packed)
    assert packed < PACKED_LIMIT, (whole, packed)


async def test_a_form_does_its_work_and_leads_back_under_any_prefix(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    answer = await press(browser, "sign-out", account="alice")
    assert (answer.status, answer.headers["Location"]) == (303, "./#person-alice")
    answer = await press(browser, "follow", light="door")
    assert answer.headers["Location"] == "./#light-door"
    follows = '{"state":"ON","effect":"presence"}'
    assert home.actions.asked == [("sign_out", "alice"), ("command_light", "door", follows)]


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({}, 200, "ready"),
        ({"broker_connected": False}, 503, "broker not connected"),
        ({"last_poll_ok": None}, 503, "no good read yet"),
        ({"standby": WAITS}, 503, WAITS),
        ({"standby": WAITS, "broker_connected": False}, 503, WAITS),
    ],
)
async def test_readiness_is_the_broker_and_one_good_read(
    tmp_path: Path, changes: dict[str, Any], status: int, text: str
) -> None:
    snapshot = replace(HOUSEHOLD, service=service(**changes))
    async with serving(tmp_path, snapshot) as page, client_of(page) as client:
        async with client.get("readyz") as answer:
            assert (answer.status, (await answer.text()).strip()) == (status, text)
        async with client.get("healthz") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("people", "text"),
    [
        ((person(), waiting("bob")), "ready"),
        ((waiting(), waiting("bob")), "waits for a sign-in"),
        ((person(fresh=False), waiting("bob")), "nobody can be read"),
        ((), "nobody is followed"),
    ],
)
async def test_readiness_is_that_somebody_can_be_read(
    tmp_path: Path, people: tuple[Person, ...], text: str
) -> None:
    async with (
        serving(tmp_path, replace(HOUSEHOLD, people=people)) as page,
        client_of(page) as client,
    ):
        async with client.get("readyz") as answer:
            assert answer.status == (200 if text == "ready" else 503)
            assert await answer.text() == f"{text}\n"
        async with client.get("healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_the_api_says_what_the_page_shows(browser: aiohttp.ClientSession) -> None:
    whole = json.loads(await read(browser, "api/v1/snapshot"))
    assert [p["account"] for p in whole["people"]] == ["alice", "bob"]
    assert json.loads(await read(browser, "api/v1/people/bob")) == whole["people"][1]
    assert json.loads(await read(browser, "api/v1/lights")) == whole["lights"]
    described = json.loads(await read(browser, "api/v1/openapi.json"))
    for path in described["paths"]:
        async with browser.get(path.removeprefix("/").format(account="alice")) as answer:
            assert answer.status == 200
            assert answer.content_type == "application/json"
    for nobody in ("zoe", "%00", "..%2f", "a" * 500):
        async with browser.get(f"api/v1/people/{nobody}") as answer:
            assert answer.status == 404


async def test_metrics_and_report_are_plain_text(browser: aiohttp.ClientSession) -> None:
    async with browser.get("metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "presence_bridge_broker_connected 1" in await answer.text()
    report = await read(browser, "report")
    assert "account 2: unknown" in report
    assert "Alice" not in report


async def test_static_files_are_not_sent_twice(browser: aiohttp.ClientSession) -> None:
    async with browser.get("static/page.css") as answer:
        tag = answer.headers["ETag"]
    async with browser.get("static/page.css", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with browser.get("static/nothing.css") as answer:
        assert answer.status == 404


async def test_the_strip_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with serving(tmp_path, HOUSEHOLD, clock=clock) as page, client_of(page) as client:
        await clock.until_asleep(2)
        await clock.advance(3600)
        assert "1 h 00 min in calls" in await read(client)
    await clock.advance(7200)
    nobody = Snapshot(service(), (person("alice", fresh=False),))
    async with serving(tmp_path, nobody, clock=clock) as page, client_of(page) as client:
        await clock.until_asleep(2)
        strip = json.loads(await read(client, "api/v1/days"))[0]["spans"]
        assert [s["kind"] for s in strip] == ["unknown", "call", "unknown"]


async def test_no_history_is_kept_when_it_is_not_wanted(tmp_path: Path) -> None:
    async with (
        serving(tmp_path, HOUSEHOLD, settings={"history": False}) as page,
        client_of(page) as client,
    ):
        assert "Last 24 hours" not in await read(client)
        kept = {file.name.removesuffix(".new") for file in page.state_dir.iterdir()}
        assert kept <= {"web_secret"}


async def test_a_port_that_is_in_use_is_reported_once_and_retried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, port = ManualClock(), free_port()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    other = await asyncio.start_server(refuse, "127.0.0.1", port)
    with caplog.at_level(logging.INFO):
        async with asyncio.TaskGroup() as tasks:

            async def serve() -> None:
                async with serving(tmp_path, HOUSEHOLD, clock=clock, port=port) as page:
                    assert page.port == port

            serving_it = tasks.create_task(serve())
            await clock.until_asleep(2)
            await clock.advance(31)
            await clock.until_asleep(2)
            other.close()
            await other.wait_closed()
            await clock.advance(31)
            await serving_it
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in errors[0].message
    assert f"the page is at http://127.0.0.1:{port}/" in caplog.text


@pytest.mark.parametrize(
    "path",
    [
        "./",
        "static/page.css",
        "static/page.js",
        "api/v1/snapshot",
        "api/v1/people",
        "manifest.webmanifest",
    ],
)
async def test_what_is_worth_it_comes_packed_to_who_takes_that(
    home: RunningPage, browser: aiohttp.ClientSession, path: str
) -> None:
    home.show(*(person(f"p{number}") for number in range(250)))  # more than one part of the API
    await until(browser, "P100")
    sizes = {}
    for takes in ("gzip, deflate, br", "identity", "gzip;q=0, br", "x-gzip"):
        headers = {"Accept-Encoding": takes, "Accept": "text/html"}
        async with (
            aiohttp.ClientSession(home.address, auto_decompress=False) as client,
            client.get(path, headers=headers) as answer,
        ):
            body = await answer.read()
            sizes[takes] = len(body)
            packed = answer.headers.get("Content-Encoding") == "gzip"
            assert packed is (takes == "gzip, deflate, br")
            assert answer.status == 200
            assert gzip.decompress(body) if packed else body
    assert sizes["gzip, deflate, br"] < 0.6 * sizes["identity"] == 0.6 * sizes["gzip;q=0, br"]


async def test_the_manifest_names_icons_that_there_are(browser: aiohttp.ClientSession) -> None:
    async with browser.get("manifest.webmanifest") as answer:
        assert answer.content_type == "application/manifest+json"
        manifest = json.loads(await answer.text())
    assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
    assert 'href="manifest.webmanifest"' in await read(browser)
    for icon in manifest["icons"]:
        async with browser.get(icon["src"]) as answer:
            assert answer.content_type == icon["type"]
            head = (await answer.read())[:24]
        if icon["type"] == "image/png":
            width, height = struct.unpack(">II", head[16:])
            assert icon["sizes"] == f"{width}x{height}"
    assert manifest["share_target"]["params"] == {"title": "title", "text": "text", "url": "url"}


async def test_a_week_of_somebody_has_seven_days(tmp_path: Path) -> None:
    clock = ManualClock()
    async with serving(tmp_path, HOUSEHOLD, clock=clock) as page, client_of(page) as client:
        await clock.until_asleep(2)
        await clock.advance(3600)
        [link] = set(re.findall(r'href="(history[^"]*)"', await read(client)))
        week = await read(client, link)
        assert week.count("<h2>") == 7
        assert week.count("Nothing was read.") == 6
        assert "1 h 00 min in calls, 0 min busy otherwise, 9 h 00 min not read" in week
        assert 'href="./#person-alice"' in week
        async with client.get("history?of=nobody") as answer:
            assert answer.status == 404


async def test_a_screen_at_the_door_asks_for_the_password_and_then_is_what_it_was(
    tmp_path: Path, password_file: Path
) -> None:
    settings = {"password_file": password_file}
    async with serving(tmp_path, HOUSEHOLD, settings=settings) as page, client_of(page) as client:
        door = await read(client, "./?only=alice")
        assert "Alice" not in door
        onward = door.partition('name="onward" value="')[2].partition('"')[0]
        assert (await press(client, "enter", password="wrong", onward=onward)).status == 401
        answer = await press(client, "enter", password=PASSWORD, onward=onward)
        assert answer.headers["Location"] == "./?only=alice"
        assert "In a call" in await read(client, answer.headers["Location"])
        for elsewhere in ("//evil.example", "https://evil.example/", "\\\\evil", "a/../b", "?a\nb"):
            answer = await press(client, "enter", password=PASSWORD, onward=elsewhere)
            assert answer.headers["Location"] == "./"
