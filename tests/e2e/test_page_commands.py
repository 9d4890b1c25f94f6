"""What others ask for over MQTT, as the page of the running bridge shows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from tests.e2e.conftest import Stage
from tests.e2e.page_stage import AVAILABILITY
from tests.fakes.mosquitto import free_port
from tests.integration.web.visitor import press, read, until

SIGN_IN = "presence/account/alice/auth"


@pytest_asyncio.fixture(loop_scope="session")
async def port(stage: Stage) -> int:
    port = free_port()
    stage.configure(web=f"port = {port}")
    return port


@pytest_asyncio.fixture(loop_scope="session")
async def page(port: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A visitor's browser without scripts."""
    async with aiohttp.ClientSession(
        f"http://127.0.0.1:{port}/", cookie_jar=aiohttp.CookieJar(unsafe=True)
    ) as client:
        yield client


async def ask(stage: Stage, command: str, payload: str) -> None:
    since = len(stage.mqtt.heard)
    await stage.mqtt.publish(f"presence/bridge/request/{command}", payload)
    await stage.mqtt.until(f"presence/bridge/response/{command}", since=since)


async def test_a_refused_command_is_on_the_page_until_the_next_one_works(
    stage: Stage, page: aiohttp.ClientSession
) -> None:
    stage.start("bridge", "run")
    await stage.mqtt.until_text(AVAILABILITY, "online")
    await ask(stage, "set_presence", '{"account":"alice","presence":"busy"}')
    shown = await until(page, "Refused: Set presence for Alice")
    assert "set_presence = true" in shown
    await ask(stage, "log_level", '{"level":"info"}')
    await stage.mqtt.until(
        "presence/bridge/last_command", lambda heard: heard.json["error"] is None
    )
    while "Refused" in await read(page):
        pass


async def test_a_new_code_is_shown_while_presence_goes_on_and_taken_back(
    stage: Stage, page: aiohttp.ClientSession
) -> None:
    stage.start("bridge", "run")
    await stage.mqtt.until_text(AVAILABILITY, "online")
    stage.microsoft.auto_approve(None)
    await ask(stage, "signin", '{"account":"alice"}')
    shown = await until(page, "Still signed in")
    assert "Cancel" in shown
    assert stage.mqtt.last[AVAILABILITY].text == "online"
    assert stage.mqtt.last[SIGN_IN].json["state"] == "signed_in"
    answer = await press(page, "cancel-sign-in", account="alice")
    assert answer.status == 303
    while "Still signed in" in await read(page):
        pass
    since = len(stage.mqtt.heard)
    stage.be("Busy")
    await stage.mqtt.until(
        "presence/account/alice/state", lambda heard: heard.json["availability"] == "busy",
        since=since,
    )  # fmt: skip
    assert stage.mqtt.last[AVAILABILITY].text == "online"


async def test_people_who_are_read_together_have_one_code_on_the_page(
    stage: Stage, page: aiohttp.ClientSession, port: int
) -> None:
    names = ("ann", "ben", "cat")
    for name in names:
        stage.home.directory.add_person(stage.home.tenant, f"{name}@contoso.com")
    watched = ", ".join(f'"{name}@contoso.com"' for name in names)
    stage.configure(f"[accounts.team]\nwatch = [{watched}]\n", web=f"port = {port}")
    stage.microsoft.auto_approve(None)
    bridge = stage.start("bridge", "run")
    await stage.until_logged(bridge, "the page is at", times=1)
    await until(page, "with the account that reads team")
    shown = await until(page, 'id="code-alice"')
    assert shown.count('id="code-') == 2  # Alice's own, and one for all of the team
