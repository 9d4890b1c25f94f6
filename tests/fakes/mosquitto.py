"""A real Mosquitto on a free port of this machine, which tests may stop, kill and start again."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path

import pytest

PROGRAM = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
READY_S = 30.0
PORTS, WORKERS = 1_000, 20
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % WORKERS
FIRST_PORT = 11_000 + WORKER * PORTS
"""Below those that the system gives to who asks for any; each worker has a thousand."""
_ports = (FIRST_PORT + number % PORTS for number in count(os.getpid()))


def needs_mosquitto() -> None:
    """Skip with a reason where there is no Mosquitto; fail where there must be one."""
    if PROGRAM is None:
        if os.environ.get("CI"):
            pytest.fail("mosquitto is missing: scripts/test installs it where it may")
        pytest.skip("mosquitto is not installed (apt-get install mosquitto)")


def free_port() -> int:
    """A port that nobody uses, nor gets from the system before a program of the test listens."""
    for port in _ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("ports never end")


async def until_accepted(port: int) -> None:
    """Wait until a program of this machine accepts connections."""
    async with asyncio.timeout(READY_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                await writer.wait_closed()
                return


class Mosquitto:
    """One broker process; ``extra`` lines go to its config."""

    def __init__(self, folder: Path, *, extra: str = "allow_anonymous true") -> None:
        needs_mosquitto()
        self.port = free_port()
        self.folder = folder
        self._ports = [self.port, *map(int, re.findall(r"(?m)^listener ([1-9]\d*)", extra))]
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(
            f"listener {self.port} 127.0.0.1\nuser {os.environ.get('USER', 'root')}\n{extra}\n",
            encoding="utf-8",
        )
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start and return when each of its listeners accepts connections."""
        assert PROGRAM is not None
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not awaited
                [PROGRAM, "-v", "-c", str(self._conf)], stdout=log, stderr=log
            )
        for port in self._ports:
            await until_accepted(port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone; ``SIGKILL`` leaves no time for anything."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(READY_S)
            self._process = None

    def reload(self) -> None:
        """Let it read its access rules again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def running(folder: Path, *, extra: str = "allow_anonymous true") -> AsyncIterator[Mosquitto]:
    """A broker that runs until the end of the block."""
    broker = Mosquitto(folder, extra=extra)
    await broker.start()
    try:
        yield broker
    finally:
        broker.stop()
