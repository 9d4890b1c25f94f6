"""The rig the benchmarks stand on: simulated Microsoft, real Mosquitto, the programs as processes.

Never measures anything itself.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt

from bench.prepared import PreparedMicrosoft
from bridge.contract.clock import SystemClock
from bridge.contract.topics import Topics
from bridge.demo.certificate import make_certificate
from tests.fakes.microsoft.directory import Household, household
from tests.fakes.microsoft.request_log import RequestLog
from tests.fakes.mosquitto import until_accepted

DEADLINE_S = 30.0
PROMPT = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
"""Of a client of the bench: else its answer waits up to 40 ms for an acknowledgement."""

CONFIG = """
state_dir = "state"
[mqtt]
host = "127.0.0.1"
port = {mqtt_port}
[microsoft]
tenant = "{domain}"
client_id = "{client_id}"
login_url = "{login_url}"
graph_url = "{graph_url}"
[network]
ca_file = "{ca_file}"
[polling]
fastest = {fastest}
steady = {steady}
slowest = {slowest}
[web]
enabled = {has_page}
port = {page_port}
[accounts.alice]
name = "Alice"
[drivers.lamp]
kind = "console"
follow = ["alice"]
"""


@dataclass
class Reports:
    """One message as the benchmark heard it; ``at_s`` on the monotonic clock."""

    topic: str
    payload: bytes
    retain: bool
    at_s: float


@dataclass
class Rig:
    """Everything that runs, and what was heard on MQTT."""

    folder: Path
    microsoft: PreparedMicrosoft
    home: Household
    mqtt_port: int
    mosquitto: subprocess.Popen[bytes]
    client: aiomqtt.Client
    heard: list[Reports] = field(default_factory=list)
    topics: Topics = field(default_factory=Topics)

    def configure(
        self,
        *,
        fastest: float = 2,
        steady: float = 5,
        slowest: float = 30,
        page_port: int | None = None,
        mqtt_tap: int | None = None,
        graph_tap: int | None = None,
    ) -> None:
        """Write the config that the programs read, in seconds; no page without a port for it."""
        graph_url = self.microsoft.graph_url
        if graph_tap:
            graph_url = graph_url.replace(f":{self.graph_port}/", f":{graph_tap}/")
        text = CONFIG.format(
            mqtt_port=mqtt_tap or self.mqtt_port,
            domain=self.home.tenant.domain,
            client_id=self.home.app.client_id,
            login_url=self.microsoft.login_url,
            graph_url=graph_url,
            ca_file=self.microsoft.ca_file,
            fastest=fastest,
            steady=steady,
            slowest=slowest,
            has_page="true" if page_port else "false",
            page_port=page_port or 0,
        )
        (self.folder / "config.toml").write_text(text, encoding="utf-8")

    @property
    def graph_port(self) -> int:
        """Where the simulated Graph listens."""
        return int(urlsplit(self.microsoft.graph_url).port or 0)

    @contextmanager
    def program(
        self,
        module: str,
        *arguments: str,
        python: Sequence[str] = (),
        config: str = "config.toml",
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run ``python -m module``; its log goes to ``module.log``, its output to a pipe."""
        command = [sys.executable, *python, "-m", module, *arguments]
        command += ["--config", str(self.folder / config)]
        with (self.folder / f"{module}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(DEADLINE_S)
            if process.stdout:
                process.stdout.close()

    async def until(
        self, topic: str, *, since: int = 0, live: bool = False, deadline_s: float = DEADLINE_S
    ) -> Reports:
        """The first message on ``topic`` from index ``since`` on; ``live``: not a stored one."""
        async with asyncio.timeout(deadline_s):
            while True:
                for heard in self.heard[since:]:
                    if heard.topic == topic and not (live and heard.retain):
                        return heard
                since = len(self.heard)
                await asyncio.sleep(0.002)


@asynccontextmanager
async def rig(*, keep_requests: int = 20_000) -> AsyncIterator[Rig]:
    """Start everything but the programs, on free ports of this machine."""
    folder = Path(tempfile.mkdtemp(prefix="presence-bench-"))
    mqtt_port = free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"listener {mqtt_port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        "sys_interval 1\nmax_queued_messages 0\nmax_inflight_messages 500\n",
        encoding="utf-8",
    )
    with (folder / "mosquitto.log").open("wb") as log:
        mosquitto = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not awaited
            ["mosquitto", "-c", str(conf)], stdout=log, stderr=subprocess.STDOUT
        )
    home = household(SystemClock())
    try:
        await until_accepted(mqtt_port)
        certificate = make_certificate(folder / "certificate")
        async with (
            PreparedMicrosoft(home.directory, certificate) as microsoft,
            aiomqtt.Client(
                "127.0.0.1",
                mqtt_port,
                protocol=aiomqtt.ProtocolVersion.V5,
                socket_options=PROMPT,
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            microsoft.requests = RequestLog(keep=keep_requests)
            microsoft.auto_approve(home.person)
            built = Rig(folder, microsoft, home, mqtt_port, mosquitto, client)
            await client.subscribe("presence/#", qos=1)
            listening = tasks.create_task(_listen(built), name="listen")
            yield built
            listening.cancel()
    finally:
        mosquitto.kill()  # it has gigabytes to give back one by one, and nothing to say
        mosquitto.wait(DEADLINE_S)
        shutil.rmtree(folder)


async def _listen(built: Rig) -> None:
    async for message in built.client.messages:
        payload = message.payload if isinstance(message.payload, bytes) else b""
        built.heard.append(Reports(str(message.topic), payload, message.retain, time.monotonic()))


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def machine() -> str:
    """What this is measured on."""
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def resident_mib(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of ``process`` in MiB, as the kernel counts it (VmRSS)."""
    for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ValueError("the process has ended")


def processor_s(process: subprocess.Popen[bytes]) -> float:
    """Seconds of processor time so far (proc(5), utime and stime)."""
    stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
