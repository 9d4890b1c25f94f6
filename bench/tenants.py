"""Many tenants over several bridges, split by config alone: calls, processor, memory, messages.

    python -m bench.tenants                           ten tenants of 50,000 on five bridges
    python -m bench.tenants --tenants 2 --bridges 1   what one of the five does

Each bridge, the broker, and the simulated Microsoft (this process) are processes of their own and
are measured apart. Nothing here depends on what is sent for somebody who has not changed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from bench.many import AN_APP, WINDOW_S, most_in_window
from bench.rig import Rig, processor_s, resident_mib, rig
from bench.spread import spread
from bridge.demo.directory import Group, Person, Tenant
from bridge.microsoft.budget import LIMIT
from bridge.microsoft.sign_in.certificate import CreatedFiles, create

BRIDGE = f"""
state_dir = "state-{{base}}"
[mqtt]
host = "127.0.0.1"
port = {{mqtt_port}}
base_topic = "{{base}}"
[microsoft]
{AN_APP}[web]
enabled = false
"""
TABLE = """
[accounts.staff{number}]
sign_in = "app"
group = "{group}"
tenant = "{domain}"
client_id = "{client_id}"
homeassistant = false
"""
RETAINED, RECEIVED = "retained messages/count", "messages/received"
COUNTED_EVERY_S, QUIET_S, DEADLINE_S = 1, 15.0, 3600.0
NOTHING_STORED = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)


@dataclass
class Organisation:
    """One tenant with everybody in it, and the app that reads them."""

    tenant: Tenant
    client_id: str
    group: Group
    people: list[Person]


@dataclass
class Stage:
    """The bridges that run, and what the broker says of itself."""

    rig: Rig
    organisations: list[Organisation]
    bridges: list[subprocess.Popen[bytes]] = field(default_factory=list)
    broker: dict[str, int] = field(default_factory=dict)
    awaited: bytes = b""
    """A state with this word is one that was waited for."""
    seen_at_s: dict[str, float] = field(default_factory=dict)
    acknowledged: int = 0
    """By ourselves, which the broker counts as well."""

    @property
    def people(self) -> int:
        """Everybody in all tenants."""
        return sum(len(each.people) for each in self.organisations)

    def receive(self, message: MQTTMessage) -> None:
        """Take a message, on the thread that reads them."""
        if message.topic.startswith("$SYS"):
            self.broker[message.topic.removeprefix("$SYS/broker/")] = int(message.payload)
            return
        self.acknowledged += 1
        if self.awaited in message.payload:
            self.seen_at_s.setdefault(message.topic, time.monotonic())

    async def until_all_sent(self) -> None:
        """Wait until the broker has stored everybody, and stores no more topics."""
        stored, since_s = 0, time.monotonic()
        async with asyncio.timeout(DEADLINE_S):
            while stored < self.people or time.monotonic() - since_s < QUIET_S:
                await asyncio.sleep(COUNTED_EVERY_S)
                if self.broker.get(RETAINED, 0) != stored:
                    stored, since_s = self.broker[RETAINED], time.monotonic()


def counters(stage: Stage) -> dict[str, Any]:
    """What grows with time."""
    return {
        "seconds": time.monotonic(),
        "bridges_s": [processor_s(each) for each in stage.bridges],
        "broker_s": processor_s(stage.rig.mosquitto),
        "microsoft_s": time.process_time(),
        "messages": stage.broker.get(RECEIVED, 0) - stage.acknowledged,
    }


def spent(stage: Stage, before: dict[str, Any]) -> dict[str, float]:
    """How much they grew: seconds, processor seconds of each part, messages to the broker."""
    now = counters(stage)
    pairs = zip(now.pop("bridges_s"), before["bridges_s"], strict=True)
    bridges_s = [after - at for after, at in pairs]
    grown = {key: value - before[key] for key, value in now.items()}
    return {
        **grown,
        "bridge_s": sum(bridges_s) / len(bridges_s),
        "busiest_bridge_s": max(bridges_s),
    }


async def measure(
    *, tenants: int, people: int, bridges: int, seconds: float, everybody: bool
) -> dict[str, Any]:
    """All figures for ``tenants`` of ``people`` each, dealt out to ``bridges``."""
    async with rig(keep_requests=int(30 * seconds * tenants)) as built:
        built.microsoft.throttle.limit = LIMIT
        files = create(built.folder / "secrets", days=365, now=datetime.now(UTC))
        stage = Stage(built, [_organisation(built, files, n, people) for n in range(tenants)])
        shares = [stage.organisations[n::bridges] for n in range(bridges)]
        with _listening(stage) as client, _running(stage, shares):
            figures = await _figures(stage, client, seconds=seconds, everybody=everybody)
    return {"tenants": tenants, "people": people, "bridges": bridges, **figures}


async def _figures(
    stage: Stage, client: Client, *, seconds: float, everybody: bool
) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    parts: dict[str, Callable[[], Awaitable[dict[str, Any]]]] = {
        "start": lambda: _started(stage),
        "quiet": lambda: _quiet(stage, seconds),
        "one_percent": lambda: _changed(stage, client, 0.01, "DoNotDisturb"),
    }
    if everybody:
        parts["all_changed"] = lambda: _changed(stage, client, 1.0, "Away")
    for name, part in parts.items():
        figures[name] = {**await part(), **_memory(stage)}
        print(name, json.dumps(figures[name]), file=sys.stderr)  # the next may take long
    return figures


async def _started(stage: Stage) -> dict[str, Any]:
    """What is spent until everybody is on the broker."""
    before = counters(stage)
    await stage.until_all_sent()
    return spent(stage, before)


async def _quiet(stage: Stage, seconds: float) -> dict[str, Any]:
    """What is spent while nobody changes, and how near each tenant's reads come to the limit."""
    log = stage.rig.microsoft.requests
    log.clear()
    before = counters(stage)
    await asyncio.sleep(seconds)
    calls = log.of("graph")
    by_tenant: dict[str, list[float]] = {each.client_id: [] for each in stage.organisations}
    for call in calls:
        by_tenant[call.client_id or ""].append(call.at_s)
    return {
        **spent(stage, before),
        "calls": len(calls),
        "most_calls_of_a_tenant_in_30_s": max(
            most_in_window(moments, WINDOW_S) for moments in by_tenant.values()
        ),
        "refused": Counter(call.status for call in calls)[429],
    }


async def _changed(stage: Stage, client: Client, share: float, availability: str) -> dict[str, Any]:
    """What is spent until a subscriber has seen that a share of everybody changed; and when."""
    stage.awaited = {"DoNotDisturb": b'"do_not_disturb"', "Away": b'"away"'}[availability]
    stage.seen_at_s.clear()
    client.subscribe("+/account/+/state", options=NOTHING_STORED)
    await asyncio.sleep(2 * COUNTED_EVERY_S)
    before, began_s = counters(stage), time.monotonic()
    changed = 0
    for organisation in stage.organisations:
        for person in organisation.people[: int(len(organisation.people) * share)]:
            stage.rig.home.directory.change(person, availability)
            changed += 1
    async with asyncio.timeout(DEADLINE_S):
        while len(stage.seen_at_s) < changed:  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.1)
    client.unsubscribe("+/account/+/state")
    await asyncio.sleep(2 * COUNTED_EVERY_S)  # the broker counts a moment later
    seen_s = spread([at_s - began_s for at_s in stage.seen_at_s.values()])
    return {
        **spent(stage, before),
        "changed": changed,
        "seen_s_median": seen_s["p50"],
        "seen_s_last": seen_s["max"],
    }


def _memory(stage: Stage) -> dict[str, float]:
    return {
        "largest_bridge_mib": max(resident_mib(each) for each in stage.bridges),
        "broker_mib": resident_mib(stage.rig.mosquitto),
    }


def _organisation(built: Rig, files: CreatedFiles, number: int, size: int) -> Organisation:
    directory = built.home.directory
    tenant = directory.add_tenant(f"tenant{number}.example")
    app = directory.add_app(tenant)
    app.roles = {"Presence.Read.All", "GroupMember.Read.All"}
    app.certificates.append(files.certificate_file.read_bytes())
    people = [directory.add_person(tenant, f"p{each}@{tenant.domain}") for each in range(size)]
    group = directory.add_group(tenant, f"everybody in {tenant.domain}", people)
    return Organisation(tenant, app.client_id, group, people)


@contextmanager
def _listening(stage: Stage) -> Iterator[Client]:
    """A subscriber on a thread of its own: this one has a Microsoft to simulate."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = lambda _c, _d, message: stage.receive(message)
    client.connect("127.0.0.1", stage.rig.mqtt_port)
    client.subscribe([(f"$SYS/broker/{each}", SubscribeOptions()) for each in (RETAINED, RECEIVED)])
    client.loop_start()
    try:
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _running(stage: Stage, shares: list[list[Organisation]]) -> Iterator[None]:
    """A bridge for each share: nothing but the config says who reads whom."""
    built = stage.rig
    with ExitStack() as stack:
        for number, share in enumerate(shares):
            base = f"tenants{number}"
            text = BRIDGE.format(
                base=base,
                mqtt_port=built.mqtt_port,
                login_url=built.microsoft.login_url,
                graph_url=built.microsoft.graph_url,
                ca_file=built.microsoft.ca_file,
            )
            for table, each in enumerate(share):
                text += TABLE.format(
                    number=table,
                    group=each.group.group_id,
                    domain=each.tenant.domain,
                    client_id=each.client_id,
                )
            (built.folder / f"{base}.toml").write_text(text, encoding="utf-8")
            bridge = stack.enter_context(built.program("bridge", "run", config=f"{base}.toml"))
            stage.bridges.append(bridge)
        yield


def main() -> None:
    """Print what was measured as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.tenants")
    parser.add_argument("--tenants", type=int, default=10)
    parser.add_argument("--people", type=int, default=50_000, help="in each tenant")
    parser.add_argument("--bridges", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=120, help="of quiet")
    parser.add_argument("--everybody", action="store_true", help="all change at once, too")
    figures = asyncio.run(measure(**vars(parser.parse_args())))
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
