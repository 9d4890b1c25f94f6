"""The figures of many people: sweeps of thousands, hundreds of sign-ins, a tenant's budget.

Never compares with a target: ``bench.__main__`` does. The processor time of a sweep is that of the
whole bridge: requests, TLS, comparing, encoding. Sending over MQTT is measured beside it, for it
depends on the broker and is paced.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

from bench.crowd_rows import PAUSE_S
from bench.rig import DEADLINE_S, Rig, processor_s, resident_mib
from bridge.microsoft.sign_in.certificate import create
from tests.fakes.microsoft.directory import Person

BASE = """
state_dir = "{state}"
[mqtt]
host = "127.0.0.1"
port = {mqtt_port}
base_topic = "{base_topic}"
[microsoft]
tenant = "{domain}"
client_id = "{client_id}"
login_url = "{login_url}"
graph_url = "{graph_url}"
certificate_file = "secrets/app.pem"
private_key_file = "secrets/app.key"
[network]
ca_file = "{ca_file}"
[polling]
fastest = {every_s}
steady = {every_s}
slowest = {every_s}
[web]
enabled = false
"""
STAFF = """
[accounts.staff]
sign_in = "app"
group = "{group}"
homeassistant = false
"""
CLOSED_PORT = 1
"""Nobody listens there: what the bridge would send, it makes and drops."""
BULK, OWN = "presences", "me.presence"
SETTLED_S = 1.0
WINDOW_S = 30.0


class Crowd:
    """People of one group, and the app that may read them."""

    def __init__(self, rig: Rig, size: int) -> None:
        self._rig = rig
        home = rig.home
        self.people = [
            home.directory.add_person(home.tenant, f"p{number}of{size}@{home.tenant.domain}")
            for number in range(size)
        ]
        self.group = home.directory.add_group(home.tenant, f"staff of {size}", self.people)
        home.app.roles = {"Presence.Read.All", "GroupMember.Read.All"}
        if not home.app.certificates:
            files = create(rig.folder / "secrets", days=365, now=datetime.now(UTC))
            home.app.certificates.append(files.certificate_file.read_bytes())

    def change(self, share: float, availability: str) -> None:
        """Let a share of them be something else."""
        for person in self.people[: int(len(self.people) * share)]:
            self._rig.home.directory.change(person, availability)

    def leave(self) -> None:
        """Make room for others."""
        self.group.members.clear()  # else each who leaves is looked for among all
        for person in self.people:
            self._rig.home.directory.remove_person(person)


async def sweep(rig: Rig, size: int, every_s: float) -> dict[str, float]:
    """Seconds of processor time for sweeps of ``size`` people, by how many of them changed."""
    crowd = Crowd(rig, size)
    staff = STAFF.format(group=crowd.group.group_id)
    calls = -(-size // 650)
    told: dict[str, float] = {"people": size, "calls": calls}
    configure(rig, staff, every_s=every_s, mqtt_port=CLOSED_PORT, state=f"state-{size}")
    with rig.program("bridge", "run") as bridge:
        await swept(rig, bridge, calls)
        for name, share, availability in (
            ("unchanged_s", 0.0, "Busy"),
            ("one_percent_s", 0.01, "Busy"),
            ("all_changed_s", 1.0, "Away"),
        ):
            crowd.change(share, availability)
            told[name] = await swept(rig, bridge, calls)
        told["resident_mib"] = resident_mib(bridge)
    told["with_mqtt_s"], with_mqtt_mib = await _with_mqtt(rig, crowd, staff, calls, every_s)
    told["resident_mib"] = max(told["resident_mib"], with_mqtt_mib)
    crowd.leave()
    return told


async def delegated(rig: Rig, accounts: int, seconds: float) -> dict[str, float]:
    """Share of one core, and delay from a change to MQTT, with so many sign-ins at five seconds."""
    rig.microsoft.codes.interval_s = 1
    return {"accounts": accounts, **await _signed_in(rig, accounts, seconds)}


async def budget(rig: Rig, accounts: int, seconds: float) -> dict[str, float]:
    """The most requests to Graph in any 30 s, when accounts and a group want four times as many."""
    crowd = Crowd(rig, 2_000)
    tables = STAFF.format(group=crowd.group.group_id) + _tables(accounts)
    configure(rig, tables, every_s=1, mqtt_port=rig.mqtt_port, state="state-delegated")
    rig.microsoft.requests.clear()
    with rig.program("bridge", "run"):
        await rig.microsoft.requests.until(OWN, accounts, deadline_s=10 * DEADLINE_S)
        await asyncio.sleep(seconds)
    moments = [entry.at_s for entry in rig.microsoft.requests.of("graph")]
    crowd.leave()
    return {"wanted": WINDOW_S * (accounts + 4), "most": most_in_window(moments, WINDOW_S)}


def most_in_window(moments: list[float], window_s: float) -> int:
    """The most of ``moments`` (sorted) that lie within any ``window_s``."""
    most = begin = 0
    for end, moment in enumerate(moments):
        while moments[begin] <= moment - window_s:
            begin += 1
        most = max(most, end - begin + 1)
    return most


async def _signed_in(rig: Rig, accounts: int, seconds: float) -> dict[str, float]:
    configure(
        rig, _tables(accounts), every_s=PAUSE_S, mqtt_port=rig.mqtt_port, state="state-delegated"
    )
    rig.microsoft.requests.clear()
    with rig.program("bridge", "run") as bridge:
        await rig.microsoft.requests.until(OWN, 3 * accounts, deadline_s=10 * DEADLINE_S)
        delays: list[float] = []
        cpu_s, began_s = processor_s(bridge), time.monotonic()
        changes = max(1, int(seconds / 8))
        for number in range(1, changes + 1):
            delays += await _change_delays(rig, rig.home.person, accounts)
            # all are read nearly at once: each change comes in another part of the pause
            due_s = began_s + number * PAUSE_S / changes
            await asyncio.sleep((due_s - time.monotonic()) % PAUSE_S)
        spent_s, passed_s = processor_s(bridge) - cpu_s, time.monotonic() - began_s
        return {
            "cpu_percent": 100 * spent_s / passed_s,
            "mean_delay_s": statistics.mean(delays),
            "resident_mib": resident_mib(bridge),
        }


async def _change_delays(rig: Rig, person: Person, accounts: int) -> list[float]:
    """Seconds until each account shows one change."""
    word = "Away" if person.facts.session.availability == "Busy" else "Busy"
    since, began_s = len(rig.heard), time.monotonic()
    rig.home.directory.change(person, word)
    seen: dict[str, float] = {}
    async with asyncio.timeout(DEADLINE_S):
        while len(seen) < accounts:
            for heard in rig.heard[since:]:
                if heard.topic.endswith("/state") and f'"{word.lower()}"'.encode() in heard.payload:
                    seen.setdefault(heard.topic, heard.at_s - began_s)
            since = len(rig.heard)
            await asyncio.sleep(0.05)
    return list(seen.values())


async def _with_mqtt(
    rig: Rig, crowd: Crowd, staff: str, calls: int, every_s: float
) -> tuple[float, float]:
    """As a sweep in which all changed, with all that is sent to the broker; and resident MiB."""
    state = f"state-{len(crowd.people)}"
    configure(rig, staff, every_s=every_s, mqtt_port=rig.mqtt_port, state=state)
    with rig.program("bridge", "run") as bridge:
        await swept(rig, bridge, calls)
        crowd.change(1.0, "DoNotDisturb")
        spent_s = await swept(rig, bridge, calls)
        return spent_s, resident_mib(bridge)


async def swept(rig: Rig, bridge: subprocess.Popen[bytes], calls: int) -> float:
    """Processor seconds until the next sweep is done, and what follows from it."""
    before_s = processor_s(bridge)
    rig.microsoft.requests.clear()
    await rig.microsoft.requests.until(BULK, calls, deadline_s=20 * DEADLINE_S)
    used_s, since_s = processor_s(bridge), time.monotonic()
    while time.monotonic() - since_s < SETTLED_S:
        await asyncio.sleep(0.1)
        if processor_s(bridge) - used_s > 0.03:
            used_s, since_s = processor_s(bridge), time.monotonic()
    return used_s - before_s


def configure(
    rig: Rig,
    tables: str,
    *,
    every_s: float,
    mqtt_port: int,
    state: str,
    base_topic: str = "presence",
    file: str = "config.toml",
) -> None:
    """Write the config of a bridge for ``tables``."""
    text = BASE.format(
        state=state,
        mqtt_port=mqtt_port,
        base_topic=base_topic,
        domain=rig.home.tenant.domain,
        client_id=rig.home.app.client_id,
        login_url=rig.microsoft.login_url,
        graph_url=rig.microsoft.graph_url,
        ca_file=rig.microsoft.ca_file,
        every_s=every_s,
    )
    (rig.folder / file).write_text(text + tables, encoding="utf-8")


def _tables(accounts: int) -> str:
    return "".join(f"[accounts.a{number}]\nhomeassistant = false\n" for number in range(accounts))


async def run(rig: Rig, *, quick: bool) -> dict[str, Any]:
    """All but the hundred thousand."""
    return {
        "thousand": await sweep(rig, 1_000, every_s=4),
        "ten_thousand": await sweep(rig, 10_000, every_s=8),
        "delegated": await delegated(rig, 200, seconds=40 if quick else 96),
        "budget": await budget(rig, 200, seconds=35 if quick else 65),
    }


async def hundred_thousand(rig: Rig) -> dict[str, float]:
    """The largest sweep."""
    return await sweep(rig, 100_000, every_s=45)
