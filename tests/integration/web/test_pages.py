"""The page and its API as a client without a script sees them."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bridge.contract.errors import PersonMustActError
from bridge.web.data.snapshot import Snapshot
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import free_port
from tests.fakes.web_page import RunningPage, person, service, serving
from tests.integration.web.conftest import HOUSEHOLD, client_of
from tests.integration.web.visitor import press, read, until

PAGE_LIMIT = 60_000
"""Bytes of the page with all that it loads."""


async def test_the_page_and_all_that_it_loads_is_small(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    people = [
        person(f"person{n}", says="A status message of a usual length, I think.") for n in range(8)
    ]
    home.show(*people, *HOUSEHOLD.people)
    page = await until(browser, "Person7")
    sizes = [len(page.encode())]
    for name in ("page.css", "page.js", "icon.svg"):
        async with browser.get(f"static/{name}") as answer:
            assert answer.status == 200
            sizes.append(len(await answer.read()))
    assert sum(sizes) < PAGE_LIMIT


async def test_a_form_does_its_work_and_leads_back_under_any_prefix(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    answer = await press(browser, "sign-out", account="alice")
    assert (answer.status, answer.headers["Location"]) == (303, "./#person-alice")
    answer = await press(browser, "follow", light="door")
    assert answer.headers["Location"] == "./#light-door"
    follows = '{"state":"ON","effect":"presence"}'
    assert home.actions.asked == [("sign_out", "alice"), ("command_light", "door", follows)]


async def test_what_went_wrong_is_told_on_the_page(
    home: RunningPage, browser: aiohttp.ClientSession
) -> None:
    home.actions.failure = PersonMustActError(
        "that address holds no <code>.", remedy="Paste all of it."
    )
    data = {"account": "bob", "address": "http://localhost/"}
    token = (await read(browser)).partition('name="token" value="')[2].partition('"')[0]
    async with browser.post("sign-in-address", data={"token": token, **data}) as answer:
        assert answer.status == 422
        page = await answer.text()
    assert "That address holds no &lt;code&gt;. Paste all of it." in page
    assert 'role="alert"' in page


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        ({}, 200, "ready"),
        ({"broker_connected": False}, 503, "broker not connected"),
        ({"last_poll_ok": None}, 503, "no good read yet"),
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


async def test_the_api_tells_what_the_page_shows(browser: aiohttp.ClientSession) -> None:
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


async def test_a_port_that_is_in_use_is_told_once_and_tried_again(
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
            await clock.until_asleep(3)
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
