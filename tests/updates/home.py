"""What lasts over an update: Alice at a simulated Microsoft, and what her home must not lose."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bridge.contract.clock import SystemClock
from bridge.demo.certificate import LOCAL_NAMES, make_certificate
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, household
from tests.fakes.subscriber import Heard, Subscriber

AVAILABILITY = "presence/account/alice/availability"
STATE = "presence/account/alice/state"
RULE = "presence/driver/desk/light/rule"
ENTITIES = frozenset(
    f"homeassistant/device/{name}/config"
    for name in ("presence_bridge", "presence_account_alice", "desk/light")
)
LAMP = '\n[drivers.desk]\nkind = "console"\nfollow = ["alice"]\ngrace = 0\n'


@dataclass(frozen=True)
class Alice:
    """Her sign-in and her presence."""

    microsoft: ScriptedMicrosoft
    home: Household

    @property
    def given(self) -> Mapping[str, str]:
        """Where the simulated Microsoft is, as settings by their tables."""
        return {
            "microsoft.login_url": self.microsoft.login_url,
            "microsoft.graph_url": self.microsoft.graph_url,
        }

    def codes_asked(self) -> int:
        """How often somebody was asked to sign in."""
        return self.microsoft.requests.count("devicecode")

    def be(self, availability: str, activity: str) -> None:
        self.home.directory.change(self.home.person, availability, activity)

    async def is_shown(self, mqtt: Subscriber) -> None:
        """Two changes reach the broker and the lamp, from now on."""
        for activity in ("Presenting", "InACall"):
            since = len(mqtt.heard)
            self.be("DoNotDisturb" if activity == "Presenting" else "Busy", activity)
            word = "presenting" if activity == "Presenting" else "in_a_call"
            await mqtt.until(STATE, partial(says, "activity", word), since=since)
            await mqtt.until(RULE, partial(says, "rule", f"activity {word}"), since=since)
        assert mqtt.last[AVAILABILITY].text == "online"


def says(key: str, value: str, heard: Heard) -> bool:
    return bool(heard.json[key] == value)


def entities(mqtt: Subscriber) -> dict[str, str]:
    """What Home Assistant knows each entity by, with its topic."""
    found = {}
    for topic in ENTITIES:
        for key, component in mqtt.last[topic].json["components"].items():
            found[component.get("unique_id", key)] = topic
    return found


@asynccontextmanager
async def alice(folder: Path, *, host: str = "127.0.0.1", name: str = "") -> AsyncIterator[Alice]:
    """Alice, whose codes are approved at once; clients reach Microsoft as ``name``."""
    home = household(SystemClock())
    names = (*LOCAL_NAMES, name) if name else LOCAL_NAMES
    certificate = make_certificate(folder / "certificate", names)
    async with ScriptedMicrosoft(
        home.directory, certificate, host=host, name=name or "localhost"
    ) as microsoft:
        microsoft.auto_approve(home.person)
        microsoft.codes.interval_s = 1
        yield Alice(microsoft, home)
