"""``python -m bridge.demo`` as others start it: a process that is driven over HTTPS."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pytest

DEADLINE_S = 20


@asynccontextmanager
async def demo(folder: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-m", "bridge.demo", "--folder", str(folder), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def addresses(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout
    async with asyncio.timeout(DEADLINE_S):
        found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found


async def call(session: aiohttp.ClientSession, url: str, **more: Any) -> Any:
    method = "POST" if more else "GET"
    async with session.request(method, url, **more) as answer:
        assert answer.status == 200
        return await answer.json()


async def test_it_says_where_it_is_serves_and_ends_quietly(tmp_path: Path) -> None:
    options = ["--mqtt-port", "0", "--person", "ada@example.org", "--tenant", "example.org"]
    options += ["--auto-approve", "0", "--interval", "1", "--layout", "recent", "--throttle", "2"]
    options += ["--token-lifetime", "301", "--code-lifetime", "60"]
    async with demo(tmp_path, *options) as process:
        found = await addresses(process)
        assert found["people"][0]["upn"] == "ada@example.org"
        context = ssl.create_default_context(cafile=found["ca_file"])
        connector = aiohttp.TCPConnector(ssl=context)
        async with aiohttp.ClientSession(connector=connector) as session:
            login = f"{found['login_url']}/{found['tenant']}/oauth2/v2.0"
            app = {"client_id": found["client_id"]}
            code = await call(session, f"{login}/devicecode", data=app | {"scope": "Presence.Read"})
            assert (code["interval"], code["expires_in"]) == (1, 60)
            grant = {
                "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
                "device_code": code["device_code"],
            }
            tokens = await call(session, f"{login}/token", data=app | grant)
            assert tokens["expires_in"] == 301
            busy = {"availability": "Busy", "activity": "InACall"}
            await call(
                session, f"{found['control_url']}/people/ada@example.org/presence", json=busy
            )
            session.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            for _ in range(2):
                presence = await call(session, f"{found['graph_url']}/me/presence")
                assert presence["availability"] == "inACall"
            async with session.get(f"{found['graph_url']}/me/presence") as answer:
                assert answer.status == 429
        async with aiomqtt.Client(
            found["mqtt"]["host"], found["mqtt"]["port"], protocol=aiomqtt.ProtocolVersion.V311
        ) as broker:
            await broker.publish("presence/x", b"1", qos=1)

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(DEADLINE_S):
            _, errors = await process.communicate()

    assert process.returncode == 0
    assert errors == b""


async def test_it_plays_a_working_day(tmp_path: Path) -> None:
    async with demo(tmp_path, "--day", "2", "--seed", "5") as process:
        found = await addresses(process)
        context = ssl.create_default_context(cafile=found["ca_file"])
        connector = aiohttp.TCPConnector(ssl=context)
        seen: set[str] = set()
        async with aiohttp.ClientSession(connector=connector) as session:
            async with asyncio.timeout(DEADLINE_S):
                while len(seen) < 3:
                    (person,) = await call(session, f"{found['control_url']}/people")
                    seen.add(person["activity"])
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE_S):
            await process.wait()

    assert process.returncode == 0
    assert found["mqtt"] is None


async def test_a_taken_port_is_told_in_one_line(tmp_path: Path) -> None:
    async with demo(tmp_path / "one") as first:
        port = str((await addresses(first))["login_url"].rpartition(":")[2])
        async with demo(tmp_path / "two", "--port", port) as second, asyncio.timeout(DEADLINE_S):
            _, errors = await second.communicate()

    assert second.returncode == 1
    assert len(errors.splitlines()) == 1
    assert port.encode() in errors


async def test_a_missing_extra_is_told_with_the_command_that_installs_it(tmp_path: Path) -> None:
    without_amqtt = (
        "import sys; sys.modules['amqtt'] = None\n"
        "from bridge.demo.__main__ import main\n"
        f"sys.exit(main(['--folder', {str(tmp_path)!r}, '--mqtt-port', '0']))"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", without_amqtt), stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        _, errors = await process.communicate()

    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert b"[demo]'" in errors


@pytest.mark.parametrize("wrong", [["--port", "many"], []])
async def test_wrong_use_is_told(tmp_path: Path, wrong: list[str]) -> None:
    options = wrong or ["--layout", "baroque"]
    async with demo(tmp_path, *options) as process, asyncio.timeout(DEADLINE_S):
        await process.communicate()

    assert process.returncode == 2
