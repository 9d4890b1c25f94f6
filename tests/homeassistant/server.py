"""A real Home Assistant as a process, set up as a person does: owner, then the MQTT integration."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.mosquitto import free_port
from tests.homeassistant.client import HomeAssistant, RefusedError, connected
from tests.homeassistant.first_steps import HOST, add_mqtt, create_owner

START_S = 180.0
"""It runs after four seconds, unless the machine has much else to do."""
LINE = re.compile(r"^\d{4}-\d\d-\d\d \S+ (?P<level>[A-Z]+) \([^)]*\) \[(?P<logger>[^\]]+)\] ")
LOUD = ("WARNING", "ERROR", "CRITICAL")
ABOUT = ("mqtt", "automation", "blueprint", "script", "template", "scene", "light", "lovelace")
HARMLESS = (
    "Updating state for",  # it took long, as the next, on a machine that has much else to do
    "No ACK from MQTT server in",
    "No device components to cleanup for",  # a topic was erased that it never saw
)
CONFIGURATION = """\
homeassistant:
  name: Home
  latitude: 52.0
  longitude: 5.0
  elevation: 0
  unit_system: metric
  time_zone: UTC
  country: NL
  currency: EUR
  language: en
  internal_url: "http://{host}:{port}"
  external_url: "http://{host}:{port}"
{http}logger:
  default: warning
frontend:
config:
api:
history:
logbook:
trace:
my:
recorder:
  commit_interval: 1
automation: !include automations.yaml
scene: []
mobile_app:
"""


def installed() -> Path:
    """Where ``scripts/homeassistant`` has installed it; skips with the reason where it has not."""
    home = os.environ.get("HOMEASSISTANT_HOME")
    if not home:
        why = os.environ.get("HOMEASSISTANT_MISSING", "scripts/homeassistant installs it")
        pytest.skip(f"no Home Assistant here: {why}")
    return Path(home)


@dataclass
class Server:
    """One Home Assistant with its configuration in ``folder``."""

    home: Path
    folder: Path
    extra: str = ""
    """More of ``configuration.yaml``."""
    port: int = field(default_factory=free_port)
    token: str = ""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log_file(self) -> Path:
        return self.folder / "log.txt"

    def start(self) -> None:
        """Start it; ``ready`` waits until it can be used."""
        words = ["hass", "--skip-pip", "--config", str(self.folder)]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [str(self.home / "enter"), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": f"{self.home}/venv/bin:{os.environ['PATH']}"},
                start_new_session=True,
            )

    def stop(self) -> None:
        """End it and wait until it is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(START_S)
            self._process = None

    def write_configuration(self) -> None:
        """What it needs to listen on this machine alone and to ask the internet nothing."""
        storage = self.folder / ".storage"
        storage.mkdir(parents=True)
        source = next(self.home.glob("venv/lib/python3*/site-packages/homeassistant"))
        http = f"http:\n  server_host: {HOST}\n  server_port: {self.port}\n"
        if (source / "components/http/config.py").exists():  # since 2026 they are stored
            http = ""
            stored = {"stable": self._http(), "pending": None, "yaml_migration_done": True}
            _store(storage / "http", 3, 1, stored)
        # this step would set up weather and radio
        _store(storage / "onboarding", 4, 1, {"done": ["core_config", "analytics"]})
        text = CONFIGURATION.format(host=HOST, port=self.port, http=http) + self.extra
        (self.folder / "configuration.yaml").write_text(text, encoding="utf-8")
        (self.folder / "automations.yaml").write_text("[]\n", encoding="utf-8")

    def _http(self) -> dict[str, Any]:
        return {
            "server_port": self.port,
            "server_host": [HOST],
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": False,
            "ssl_profile": "intermediate_v6",
            "use_x_frame_options": True,
            "created_at": datetime.now(UTC).isoformat(),
            "error": None,
            "error_message": None,
        }

    async def ready(self, path: str) -> None:
        """Wait until ``path`` is answered."""

        async def answers() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.log_file.read_text(encoding="utf-8")
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            async with (
                aiohttp.ClientSession() as session,
                session.get(self.url + path, headers=headers) as answer,
            ):
                return answer.status == 200

        await _soon(answers)

    async def runs(self, hass: HomeAssistant) -> None:
        """Wait until it has started all integrations."""

        async def running() -> bool:
            return bool((await hass.rest("GET", "/api/config"))["state"] == "RUNNING")

        await _soon(running)

    def loud(self, since: int = 0) -> list[str]:
        """What it has warned of and is about what we gave it, from byte ``since`` of the log on."""
        found: list[str] = []
        wanted = False
        for line in self.log_file.read_bytes()[since:].decode(errors="replace").splitlines():
            if match := LINE.match(line):
                about = any(word in line.lower() for word in ABOUT)
                about = about and not any(text in line for text in HARMLESS)
                wanted = match["level"] in LOUD and about
            if wanted:
                found.append(line)
        return found


def _store(file: Path, version: int, minor: int, data: dict[str, Any]) -> None:
    stored = {"version": version, "minor_version": minor, "key": file.name, "data": data}
    file.write_text(json.dumps(stored), encoding="utf-8")


async def _soon(happens: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                if await happens():
                    return
            except (aiohttp.ClientError, RefusedError):
                pass
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(
    folder: Path, broker_port: int, extra: str = ""
) -> AsyncIterator[tuple[Server, HomeAssistant]]:
    """A Home Assistant with its MQTT integration on a broker, until the end of the block."""
    server = Server(installed(), folder, extra)
    server.write_configuration()
    server.start()
    try:
        await server.ready("/api/onboarding")
        server.token = await create_owner(server.url)
        await server.ready("/api/config")
        async with connected(server.url, server.token) as hass:
            await server.runs(hass)
            await add_mqtt(hass, broker_port)
            yield server, hass
    finally:
        server.stop()
