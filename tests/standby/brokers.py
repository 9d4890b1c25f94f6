"""The brokers of the stories: Mosquitto, and NATS with JetStream, which speaks 3.1.1."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Protocol

from tests.fakes.mosquitto import READY_S, Mosquitto, free_port, until_accepted

SOON_SILENT = "allow_anonymous true\nmax_keepalive 10\nmax_queued_messages 100000"
REMEMBERS = "persistence true\npersistence_location {folder}/\nautosave_interval 1"
_NATS = """
server_name: one
listen: 127.0.0.1:{client}
jetstream {{ store_dir: "{folder}/store", max_memory_store: 64MB, max_file_store: 256MB }}
mqtt {{ listen: 127.0.0.1:{port} }}
"""


class Broker(Protocol):
    """One broker process."""

    port: int

    async def start(self) -> None:
        """Start, and return when it accepts connections."""
        ...

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        ...


class Nats:
    """One server; it remembers by its store."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.port, self._program, self._folder = free_port(), program, folder
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start, and return when it accepts connections."""
        conf = self._folder / "nats.conf"
        if not conf.exists():
            text = _NATS.format(client=free_port(), port=self.port, folder=self._folder)
            conf.write_text(text, encoding="utf-8")
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not awaited
                [str(self._program), "-c", str(conf)], stdout=log, stderr=log
            )
        await until_accepted(self.port)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(READY_S)
            self._process = None


def mosquitto(folder: Path, *, remembers: bool) -> Broker:
    """A Mosquitto that gives up who is silent after 15 s, instead of 45."""
    more = REMEMBERS.format(folder=folder) if remembers else ""
    return Mosquitto(folder, extra=f"{SOON_SILENT}\n{more}")
