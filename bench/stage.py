"""Bridges of several tenants, split by config alone, and what each process of them spends.

Each bridge, the broker, and the simulated Microsoft (this process) are processes of their own and
are measured apart.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from bench.many import WINDOW_S, configure, most_in_window
from bench.rig import Rig, processor_s, resident_mib
from bridge.microsoft.sign_in.certificate import CreatedFiles, create
from tests.fakes.microsoft.directory import Group, Person, Tenant

TABLE = """
[accounts.staff{number}]
sign_in = "app"
group = "{group}"
tenant = "{domain}"
client_id = "{client_id}"
homeassistant = false
"""
RECEIVED = "$SYS/broker/messages/received"
FRESH = "+/table/+/fresh"
TROUBLE = (" WARNING", " ERROR")


@dataclass
class Organisation:
    """One tenant with everybody in it, and the app that reads them."""

    tenant: Tenant
    client_id: str
    group: Group
    people: list[Person]


@dataclass
class Stage:
    """The bridges that run, and what the broker says."""

    rig: Rig
    organisations: list[Organisation]
    bridges: list[subprocess.Popen[bytes]] = field(default_factory=list)
    received: int = 0
    """Packets that the broker counts: publishes, and acknowledgements of what it sent back."""
    complete: set[str] = field(default_factory=set)
    """Topics of the tables of which everybody was sent."""
    awaited: bytes = b""
    """A state with this word is one that was waited for."""
    seen_at_s: dict[str, float] = field(default_factory=dict)

    def receive(self, message: MQTTMessage) -> None:
        """Take a message, on the thread that reads them."""
        if message.topic == RECEIVED:
            self.received = int(message.payload)
        elif message.topic.endswith("/fresh"):
            if b'"online"' in message.payload:
                self.complete.add(message.topic)
        elif self.awaited in message.payload:
            self.seen_at_s.setdefault(message.topic, time.monotonic())

    def counters(self) -> dict[str, Any]:
        """What grows with time."""
        return {
            "seconds": time.monotonic(),
            "bridges_s": [processor_s(each) for each in self.bridges],
            "broker_s": processor_s(self.rig.mosquitto),
            "microsoft_s": time.process_time(),
            "messages": self.received,
        }

    def spent(self, before: dict[str, Any]) -> dict[str, float]:
        """How much they grew: seconds, processor seconds of each process, messages; and memory."""
        now = self.counters()
        pairs = zip(now.pop("bridges_s"), before["bridges_s"], strict=True)
        bridges_s = [after - at for after, at in pairs]
        return {
            **{key: value - before[key] for key, value in now.items()},
            "bridge_s": sum(bridges_s) / len(bridges_s),
            "busiest_bridge_s": max(bridges_s),
            "largest_bridge_mib": max(resident_mib(each) for each in self.bridges),
            "broker_mib": resident_mib(self.rig.mosquitto),
        }

    def calls(self) -> dict[str, int]:
        """Requests to Graph since the last look, how near they come to its limit, and refusals."""
        log = self.rig.microsoft.requests
        calls = log.of("graph")
        log.clear()
        by_app: dict[str | None, list[float]] = {}
        for call in calls:
            by_app.setdefault(call.client_id, []).append(call.at_s)
        most = (most_in_window(moments, WINDOW_S) for moments in by_app.values())
        return {
            "calls": len(calls),
            "most_calls_of_a_tenant_in_30_s": max(most, default=0),
            "refused": Counter(call.status for call in calls)[429],
        }

    def trouble(self) -> list[str]:
        """The lines of warnings and errors in the logs of all bridges, each once."""
        lines = (self.rig.folder / "bridge.log").read_text(encoding="utf-8").splitlines()
        return list(dict.fromkeys(line for line in lines if any(w in f" {line}" for w in TROUBLE)))


def staged(rig: Rig, *, tenants: int, people: int) -> Stage:
    """``tenants`` of ``people`` each, with an app in each."""
    files = create(rig.folder / "secrets", days=365, now=datetime.now(UTC))
    return Stage(rig, [_organisation(rig, files, number, people) for number in range(tenants)])


def _organisation(rig: Rig, files: CreatedFiles, number: int, size: int) -> Organisation:
    directory = rig.home.directory
    tenant = directory.add_tenant(f"tenant{number}.example")
    app = directory.add_app(tenant)
    app.roles = {"Presence.Read.All", "GroupMember.Read.All"}
    app.certificates.append(files.certificate_file.read_bytes())
    people = [directory.add_person(tenant, f"p{each}@{tenant.domain}") for each in range(size)]
    group = directory.add_group(tenant, f"everybody in {tenant.domain}", people)
    return Organisation(tenant, app.client_id, group, people)


@contextmanager
def listening(stage: Stage) -> Iterator[Client]:
    """A subscriber on a thread of its own: this one has a Microsoft to simulate."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = lambda _c, _d, message: stage.receive(message)
    client.connect("127.0.0.1", stage.rig.mqtt_port)
    client.subscribe([(each, SubscribeOptions()) for each in (RECEIVED, FRESH)])
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def running(stage: Stage, *, bridges: int, every_s: float) -> Iterator[None]:
    """So many bridges: nothing but the config says who reads whom."""
    with ExitStack() as stack:
        for number in range(bridges):
            share = stage.organisations[number::bridges]
            config = _config(stage.rig, share, base=f"tenants{number}", every_s=every_s)
            stage.bridges.append(
                stack.enter_context(stage.rig.program("bridge", "run", config=config))
            )
        try:
            yield
        finally:
            for bridge in stage.bridges:
                bridge.terminate()  # together: this loop serves nobody while one is waited for


def _config(rig: Rig, share: list[Organisation], *, base: str, every_s: float) -> str:
    """Write the config of one bridge; the name of its file."""
    tables = "".join(
        TABLE.format(
            number=number,
            group=each.group.group_id,
            domain=each.tenant.domain,
            client_id=each.client_id,
        )
        for number, each in enumerate(share)
    )
    file = f"{base}.toml"
    configure(
        rig,
        tables,
        every_s=every_s,
        mqtt_port=rig.mqtt_port,
        state=f"state-{base}",
        base_topic=base,
        file=file,
    )
    return file
