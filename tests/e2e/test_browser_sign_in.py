"""``login --browser`` as a person uses it: on a desktop, over SSH, and beside the service."""

from __future__ import annotations

import asyncio
import os
import ssl
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from tests.e2e.conftest import STOP_S, Stage

VISIT = """
import requests, sys
requests.get(sys.argv[1], verify={ca!r}, timeout=10).raise_for_status()
"""
"""A browser of somebody who is signed in to Microsoft already: one visit, and back."""
ELSEWHERE = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}


@asynccontextmanager
async def login(stage: Stage, environ: dict[str, str]) -> AsyncIterator[Process]:
    desktop = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "SSH_CONNECTION")
    inherited = {name: value for name, value in os.environ.items() if name not in desktop}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "login", "--browser", "--config", str(stage.config)),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        env={**inherited, "HOME": str(stage.folder), **environ},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process, *words: str) -> str:
    """The next line that the command says with one of ``words`` in it."""
    assert process.stdout is not None
    async with asyncio.timeout(STOP_S):
        while said := (await process.stdout.readline()).decode():
            if any(word in said for word in words):
                return said.strip()
    raise AssertionError(f"the command ended without saying {words}")


def paste(process: Process, text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{text}\n".encode())


async def ends_on(stage: Stage, address: str) -> str:
    """Where a browser on another machine ends: at an address that it cannot load."""
    trust = ssl.create_default_context(cafile=str(stage.microsoft.ca_file))
    certificate = aiohttp.TCPConnector(ssl=trust)
    async with (
        aiohttp.ClientSession(connector=certificate) as browser,
        browser.get(address, allow_redirects=False) as answer,
    ):
        return answer.headers["Location"]


async def code_of(process: Process) -> int:
    async with asyncio.timeout(STOP_S):
        return await process.wait()


async def test_on_a_desktop_the_browser_opens_and_comes_back_by_itself(stage: Stage) -> None:
    script = stage.folder / "browser.py"
    script.write_text(VISIT.format(ca=str(stage.microsoft.ca_file)), encoding="utf-8")
    async with login(stage, {"BROWSER": f"{sys.executable} {script} %s"}) as process:
        assert "open this address" in await line(process, "alice")
        assert await line(process, "is signed in") == "alice is signed in."
        assert await code_of(process) == 0
    assert (stage.folder / "state" / "tokens" / "alice.json").exists()


async def test_over_ssh_the_address_is_pasted_and_a_wrong_one_is_reported(stage: Stage) -> None:
    async with login(stage, ELSEWHERE) as process:
        address = await line(process, "https://")
        paste(process, address)
        assert "copy all of the address line" in await line(process, "address line")
        paste(process, await ends_on(stage, address))
        assert await line(process, "signed in") == "alice is signed in."
        assert await code_of(process) == 0


async def test_without_a_terminal_a_browser_on_the_machine_still_does(stage: Stage) -> None:
    async with login(stage, ELSEWHERE) as process:
        assert process.stdin is not None
        process.stdin.close()
        ending = await ends_on(stage, await line(process, "https://"))
        async with aiohttp.ClientSession() as browser, browser.get(ending) as last:
            assert "close this page" in await last.text()
        assert await line(process, "signed in") == "alice is signed in."


async def test_the_running_service_is_handed_what_is_pasted_and_nobody_else_is(
    stage: Stage,
) -> None:
    stage.microsoft.auto_approve(None)
    service = stage.start("bridge", "run", "--log-level", "debug")
    await stage.mqtt.until("presence/account/alice/auth", lambda h: bool(h.json["user_code"]))
    async with login(stage, ELSEWHERE) as process:
        address = await line(process, "https://")
        stage.microsoft.auto_approve(stage.home.person)
        shown = await stage.mqtt.until(
            "presence/account/alice/auth", lambda h: h.json["verification_uri"] == address
        )
        assert (shown.json["state"], shown.json["user_code"]) == ("device_code_pending", None)
        paste(process, "http://localhost/")
        assert "refused: That is not the address" in await line(process, "refused")
        ending = await ends_on(stage, address)
        paste(process, ending)
        assert await line(process, "signed in") == "alice is signed in."
        assert await code_of(process) == 0
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    code = ending.partition("code=")[2].partition("&")[0]
    assert len(code) > 20
    assert code not in stage.log(service)
    assert not [h.topic for h in stage.mqtt.heard if code.encode() in h.payload]


async def test_a_browser_that_comes_back_to_the_service_ends_the_command_too(
    stage: Stage,
) -> None:
    stage.microsoft.auto_approve(None)
    stage.start("bridge", "run")
    await stage.mqtt.until("presence/account/alice/auth", lambda h: bool(h.json["user_code"]))
    async with login(stage, ELSEWHERE) as process:
        address = await line(process, "https://")
        stage.microsoft.auto_approve(stage.home.person)
        ending = await ends_on(stage, address)
        async with aiohttp.ClientSession() as browser, browser.get(ending) as last:
            assert last.status == 200
        assert await line(process, "signed in") == "alice is signed in."


async def test_a_config_can_make_the_browser_the_usual_way(stage: Stage) -> None:
    stage.microsoft.auto_approve(None)
    stage.configure('sign_in = "browser"')
    service = stage.start("bridge", "run")
    pending = await stage.mqtt.until(
        "presence/account/alice/auth", lambda h: h.json["state"] == "device_code_pending"
    )
    assert pending.json["user_code"] is None
    await stage.until_logged(service, pending.json["verification_uri"], times=1)
    assert stage.microsoft.requests.count("devicecode") == 0


async def test_a_terminal_that_is_none_does_not_end_the_command(stage: Stage) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "login", "--browser", "--config", str(stage.config)),
        stdin=DEVNULL,
        stdout=PIPE,
        env={**os.environ, "HOME": str(stage.folder), **ELSEWHERE},
    )
    try:
        ending = await ends_on(stage, await line(process, "https://"))
        async with aiohttp.ClientSession() as browser, browser.get(ending):
            assert await line(process, "signed in") == "alice is signed in."
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
