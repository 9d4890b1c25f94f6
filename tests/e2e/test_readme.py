"""The commands of the README, run in a clean clone by who has no tenant; and the demo as shown."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from bridge.broker import visit
from bridge.config.command_line import FAILED, INTERRUPTED, OK
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.fakes.mosquitto import running

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROGRAMS = Path(sys.executable).parent
NOT_CLONED = (".git", ".venv", "bench", "tests", "secrets", "state", "*_cache", "__pycache__")
BROKER = "presence/bridge/state"
PIECE = re.compile(r'height="28" class="(\w+)"')
"""Of the strip of the last 24 hours."""
DEADLINE_S, OK_STATUS = 60.0, 200


@dataclass(frozen=True)
class Run:
    """A command that ends with ``code``; ``also`` are words for the trial alone."""

    code: int = OK
    also: str = ""
    says: str = ""


class Serves:
    """A command that goes on; it shows something, and is stopped."""


NEEDS = {
    r"^docker\b": "a container engine",
    r"^scripts/test\b": "the time of all tests, which it runs",
    r"^scripts/demo\b": "a test of its own, below",
    r"\bpip install\b|^python3 -m venv|^uv ": "the package registry",
    r"^(sudo|apt-get|git|systemctl|install) ": "root, or a server",
    r"^presence-bridge (run|login)\b": "a tenant",
}
"""What this test has not."""
RUNS: Mapping[str, Run | Serves] = {
    r"^PATH=": Run(),
    r"presence-bridge init\b": Run(says="config.toml"),
    r"^presence-bridge doctor$": Run(FAILED, says="client_id"),
    r"^presence-bridge accounts$": Run(FAILED, says="SIGNED IN AS"),
    r"^presence-driver list$": Run(says="console"),
    r"^presence-driver preview desk\b": Run(says="because: "),
    r"^presence-driver desk$": Serves(),
    r"^mosquitto_sub\b": Run(also="-p {port} -C 1 -W 20", says=BROKER),
}


def commands(text: str) -> Iterator[str]:
    """What stands in indented blocks, and our programs where they stand within the text."""
    prose = re.sub(r"(?ms)^```.*?^```", "", text).replace("\\\n", " ")
    for block, span in re.findall(r"(?m)^ {4}(\S.*)$|`(presence-(?:bridge|driver) [^`]+)`", prose):
        yield " ".join((block or span).split("   ")[0].split())


def first(table: Mapping[str, T], command: str) -> T | None:
    return next((how for pattern, how in table.items() if re.search(pattern, command)), None)


@dataclass
class Clone:
    folder: Path
    environment: dict[str, str]
    started: list[asyncio.subprocess.Process] = field(default_factory=list)

    async def start(self, command: str) -> asyncio.subprocess.Process:
        here = command.replace("/opt/presence-bridge/bin/", "").replace(
            "/etc/presence-bridge", str(self.folder)
        )
        process = await asyncio.create_subprocess_exec(
            "bash",
            *("-c", f"exec {here}" if command.startswith("presence-driver desk") else here),
            cwd=self.folder,
            env=self.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what a failed test left."""
        for process in self.started:
            if process.returncode is None:
                process.kill()

    async def run(self, command: str, how: Run, port: int) -> None:
        process = await self.start(f"{command} {how.also.format(port=port)}".strip())
        async with asyncio.timeout(DEADLINE_S):
            out, errors = await process.communicate()
        said = (out + errors).decode()
        assert process.returncode == how.code, f"{command}: {said}"
        assert "Traceback" not in said
        assert how.says in said, f"{command}: {said}"

    async def serve(self, command: str) -> None:
        process = await self.start(command)
        assert process.stdout
        async with asyncio.timeout(DEADLINE_S):
            assert await process.stdout.readline(), command
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
        assert process.returncode == OK, errors.decode()


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Clone]:
    """Where ``scripts/demo`` ran once: pip has installed what it needs."""
    folder = tmp_path / "clone"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_CLONED))
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(PROGRAMS)
    locked = "$(cat pyproject.toml requirements.lock | cksum | cut -d' ' -f1)"
    installed = f"touch .venv/.installed-demo-{locked}"
    subprocess.run(["bash", "-c", installed], cwd=folder, check=True)
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ.get('PATH', '')}",
        "HOME": str(tmp_path),
        "PRESENCE_STATE_DIR": str(tmp_path / "state"),
        "PRESENCE_MQTT__HOST": "127.0.0.1",
    }
    built = Clone(folder, environment)
    yield built
    built.end()


async def test_each_command_runs_as_it_stands_there(clone: Clone, tmp_path: Path) -> None:
    ran = []
    lamp = re.search(r"(?ms)^```toml\n(\[drivers\.desk\].*?)^```", README)
    assert lamp
    async with running(tmp_path) as broker:
        clone.environment["PRESENCE_MQTT__PORT"] = str(broker.port)
        stored = Message(BROKER, b"offline")
        await visit(MqttSettings(host="127.0.0.1", port=broker.port), publish=[stored])
        before, after = README.split(lamp[0])
        for command in [*commands(before), "", *commands(after)]:
            if not command:  # who reads this far has written the table
                with (clone.folder / "data" / "config.toml").open("a", encoding="utf-8") as file:
                    file.write(lamp[1])
            elif not first(NEEDS, command):
                how = first(RUNS, command)
                assert how, f"{command}: how does it run in a clean clone?"
                ran.append(command.split()[0].rpartition("/")[2])
                if isinstance(how, Run):
                    await clone.run(command, how, broker.port)
                else:
                    await clone.serve(command)
    assert {"presence-driver", "presence-bridge", "mosquitto_sub"} <= set(ran)
    assert len(ran) >= len(RUNS)


@asynccontextmanager
async def demo(clone: Clone) -> AsyncIterator[asyncio.subprocess.Process]:
    """``scripts/demo``, as it is shown."""
    process = await clone.start("exec scripts/demo --day-seconds 20")
    try:
        yield process
    finally:
        if process.returncode is None:  # it stops its own programs
            process.terminate()
            async with asyncio.timeout(DEADLINE_S):
                await process.communicate()


async def until(process: asyncio.subprocess.Process, text: str) -> str:
    """What it prints up to a line with ``text``."""
    assert process.stdout
    printed = ""
    async with asyncio.timeout(DEADLINE_S):
        while text not in printed:
            line = await process.stdout.readline()
            assert line, printed
            printed += line.decode()
    return printed


def posted(url: str, body: str, ca_file: str) -> int:
    request = urllib.request.Request(url, body.encode(), method="POST")
    context = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(request, context=context, timeout=20) as answer:
        return int(answer.status)


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return str(answer.read().decode())


async def test_the_demo_has_a_past_and_what_it_says_to_change_stays_for_a_while(
    clone: Clone,
) -> None:
    async with demo(clone) as process:
        said = await until(process, "Ctrl-C ends it")
        change = re.search(r"--cacert (\S+) (\S+) \\\n\s+-d '(.*)'", said)
        page = re.search(r"The page\s+(\S+)", said)
        assert change
        assert page
        await until(process, "Alice is signed in.")
        assert await asyncio.to_thread(posted, change[2], change[3], change[1]) == OK_STATUS
        await until(process, "Alice was changed by hand: the day waits 60 s.")
        people = json.loads(await asyncio.to_thread(fetched, f"{page[1]}api/v1/people"))
        assert [person["account"] for person in people] == ["alice"]
        strip = await asyncio.to_thread(fetched, page[1])
        assert {"call", "busy", "available", "away"} <= set(PIECE.findall(strip))
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE_S):
            await process.communicate()
    assert process.returncode == INTERRUPTED
