"""Two bridges as processes, each with a link of its own to one broker, and who listens to all."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt

from bridge.contract.topics import Topics
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Directory, Person, Tenant
from tests.fakes.tasks import end
from tests.standby.brokers import Broker
from tests.standby.relay import Relay

NODES = ("a", "b")
SLUG = "alice"
STOP_S = 30.0
SERVES = re.compile(r"node (\w+) serves; this one|this node, (\w+), serves now")
CONFIG = """
state_dir = "{folder}/state-{node}"
[mqtt]
host = "{relay.host}"
port = {relay.port}
[standby]
node = "{node}"
[microsoft]
tenant = "{tenant}"
client_id = "{client_id}"
login_url = "{microsoft.login_url}"
graph_url = "{microsoft.graph_url}"
certificate_file = "{secrets}/app.pem"
private_key_file = "{secrets}/app.key"
[network]
ca_file = "{microsoft.ca_file}"
[polling]
fastest = 1
steady = 1
slowest = 1
[web]
enabled = false
[homeassistant]
enabled = false
[accounts.alice]
sign_in = "app"
user = "{upn}"
"""


@dataclass
class Office:
    """Microsoft, and an app for each node, so that it is seen which one reads."""

    microsoft: ScriptedMicrosoft
    directory: Directory
    tenant: Tenant
    apps: dict[str, App]
    secrets: Path


@dataclass
class Node:
    """One bridge as a process, for as many lives as it needs."""

    name: str
    folder: Path
    ahead_s: float
    relay: Relay
    process: subprocess.Popen[bytes] | None = None
    logged_before: int = 0
    """Bytes, in earlier lives."""

    def start(self) -> None:
        """Run it, where it does not run."""
        if self.process is not None:
            return
        config = str(self.folder / f"{self.name}.toml")
        module = ["bridge", "run", "--config", config]
        if self.ahead_s:
            module = ["tests.standby.node", config, str(self.ahead_s)]
        words = [*self.relay.words, sys.executable, "-m", *module]
        with self._log.open("ab") as log:
            self.logged_before = log.tell()
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def send(self, which: signal.Signals) -> None:
        """Send it a signal, where it runs."""
        if self.process is not None:
            self.process.send_signal(which)

    @property
    def knows_who_serves(self) -> str:
        """Who does, by the last word of its log, and while it is connected."""
        said = SERVES.findall(self._log.read_bytes()[self.logged_before :].decode())
        return "".join(said[-1]) if said and self.relay.is_used else ""

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.name}.log"

    async def end(self, how: signal.Signals) -> None:
        """End it, and wait until it is gone."""
        if self.process is not None:
            self.process.send_signal(how)
            await asyncio.to_thread(self.process.wait, STOP_S)
            self.process = None


@dataclass(frozen=True)
class Heard:
    """One message, and when it came."""

    at_s: float
    topic: str
    payload: bytes
    retain: bool


@dataclass
class Listener:
    """Hears all, past the links, and comes back to a broker that was away."""

    broker: Broker
    speaks_5: bool
    log: list[Heard] = field(default_factory=list)
    stored: dict[str, bytes] = field(default_factory=dict)
    """What it heard last of each topic, on this connection."""
    connected: bool = False

    async def run(self) -> None:
        """Listen until cancelled."""
        version = aiomqtt.ProtocolVersion.V5 if self.speaks_5 else aiomqtt.ProtocolVersion.V311
        while True:
            try:
                async with aiomqtt.Client(
                    "127.0.0.1", self.broker.port, identifier="listener", protocol=version
                ) as client:
                    await client.subscribe("presence/#", qos=1)
                    self.connected = True
                    async for message in client.messages:
                        self._take(str(message.topic), message.payload, retain=message.retain)
            except aiomqtt.MqttError:
                pass
            self.connected = False
            self.stored.clear()
            await asyncio.sleep(0.1)

    def _take(self, topic: str, payload: object, *, retain: bool) -> None:
        data = payload if isinstance(payload, bytes) else b""
        self.stored[topic] = data
        self.log.append(Heard(time.monotonic(), topic, data, retain))


@dataclass
class Pair:
    """All of it; ``person`` is followed as ``alice``."""

    office: Office
    person: Person
    broker: Broker
    nodes: dict[str, Node]
    listener: Listener
    topics: Topics = field(default_factory=Topics)


@asynccontextmanager
async def running(
    office: Office,
    folder: Path,
    broker: Broker,
    *,
    ahead_s: float = 0.0,
    speaks_5: bool = True,
    link: Callable[[str, int], Relay] | None = None,
) -> AsyncIterator[Pair]:
    """A pair whose bridges are not started yet; the clock of b is ``ahead_s`` wrong.

    ``link`` makes that of a node to a port.
    """
    person = office.directory.add_person(office.tenant, f"{folder.name}@{office.tenant.domain}")
    await broker.start()
    async with AsyncExitStack() as stack:
        stack.callback(lambda: broker.stop(signal.SIGKILL))
        nodes: dict[str, Node] = {}
        for name in NODES:
            relay = link(name, broker.port) if link else Relay(broker.port)
            await stack.enter_async_context(relay.running())
            node = Node(name, folder, ahead_s if name == "b" else 0.0, relay)
            stack.push_async_callback(node.end, signal.SIGKILL)
            nodes[name] = node
            config = CONFIG.format(
                folder=folder,
                node=name,
                relay=relay,
                tenant=office.tenant.domain,
                client_id=office.apps[name].client_id,
                microsoft=office.microsoft,
                secrets=office.secrets,
                upn=person.upn,
            )
            (folder / f"{name}.toml").write_text(config, encoding="utf-8")
        listener = Listener(broker, speaks_5)
        listening = asyncio.create_task(listener.run(), name="listener")
        stack.push_async_callback(end, listening)
        yield Pair(office, person, broker, nodes, listener)
