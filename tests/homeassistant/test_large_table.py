"""Home Assistant and the two availability topics of who is in a large table: ours, and the table's.

A bridge of its own, on another base topic, follows 201 people through one app, and one more, who is
in the same group, in a small table through another.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest
import pytest_asyncio

from bridge.service.followed_accounts import ALONE_MOST
from tests.e2e.test_many_people import APP, ROLES
from tests.fakes.forks import Program
from tests.fakes.microsoft.directory import App, Person
from tests.homeassistant.household import Household

PEOPLE = ALONE_MOST + 2
"""One of them is read through the small table."""
TABLE = APP.split("[accounts.quiet]", maxsplit=1)[0].replace("staff", "crowd")
SMALL = """
[accounts.few]
sign_in = "app"
people = ["p000@contoso.com"]
client_id = "{client_id}"
certificate_file = "secrets/app.pem"
private_key_file = "secrets/app.key"
"""
MANY_S = 240.0
"""Home Assistant takes 200 devices in some seconds, unless the machine has much else to do."""
FRESH, BRIDGE = "office/table/crowd/fresh", "office/bridge/state"
FIRST, LAST = (f"sensor.teams_crowd_p{number:03d}_activity" for number in (1, PEOPLE - 1))
ALONE = "sensor.teams_few_p000_activity"
pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Office:
    """The bridge that follows many, and who they are."""

    home: Household
    config: Path
    people: list[Person]
    app: App
    """That of the large table."""
    certificates: list[bytes]
    bridge: Program | None = None

    def start(self) -> None:
        """Start the bridge."""
        stage = self.home.stage
        words = stage.python("bridge", "run", "--config", str(self.config))
        self.bridge = stage.start_program(words)

    def reload(self, config: str) -> None:
        """Let the bridge follow another config."""
        assert self.bridge
        self.config.write_text(config, encoding="utf-8")
        self.bridge.send_signal(signal.SIGHUP)

    async def beat(self, *, on: bool) -> None:
        """Give each person of the large table their own times, or no more."""
        text = self.config.read_text(encoding="utf-8").replace("beat = true\n", "")
        if on:
            text = text.replace("[accounts.crowd]\n", "[accounts.crowd]\nbeat = true\n")
        since = len(self.home.stage.mqtt.heard)
        self.reload(text)
        config = "homeassistant/device/office_account_crowd_p201/config"
        await self.home.stage.mqtt.until(
            config,
            lambda heard: (FRESH in heard.text) is not on,
            since=since,
            deadline_s=MANY_S,
        )

    async def until(self, state: str, *entities: str) -> None:
        """Wait until Home Assistant shows each as ``state``."""
        for entity in entities:
            await self._until(entity, state)

    async def _until(self, entity: str, state: str) -> None:
        states = self.home.hass.states
        await self.home.hass.until(
            entity, lambda: states.get(entity, {}).get("state") == state, deadline_s=MANY_S
        )

    async def until_gone(self, entity: str) -> None:
        """Wait until Home Assistant has no such entity."""
        states = self.home.hass.states
        await self.home.hass.until(entity, lambda: entity not in states, deadline_s=MANY_S)

    async def lose_the_certificate(self) -> None:
        """The app of the large table is let in no more, as an admin would see to it."""
        self.app.certificates.clear()
        self.home.stage.microsoft.tokens.revoke_access(None)  # the other app gets a new one
        await self.until("unavailable", FIRST, LAST)

    async def get_it_back(self) -> None:
        """It is let in, and somebody presses *Sign in*."""
        self.app.certificates[:] = self.certificates
        body = '{"account": "crowd"}'
        await self.home.stage.mqtt.publish("office/bridge/request/signin", body)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(home: Household) -> AsyncIterator[Office]:
    stage = home.stage
    directory, tenant = stage.home.directory, stage.home.tenant
    people = [directory.add_person(tenant, f"p{n:03d}@contoso.com") for n in range(PEOPLE)]
    group = directory.add_group(tenant, "crowd", people)
    other = directory.add_app(tenant, client_id="0f0f0f0f-0000-4000-8000-00000000f00f")
    made = await stage.command(
        "bridge", "certificate", "create", "--folder", str(stage.folder / "secrets")
    )
    assert made.returncode == 0, made.stderr
    certificates = [(stage.folder / "secrets/app.pem").read_bytes()]
    for app in (stage.home.app, other):
        app.certificates, app.roles = list(certificates), set(ROLES)
    before = stage.config.read_text(encoding="utf-8")
    text = before.split("[accounts.alice]", maxsplit=1)[0]
    text = text.replace("[mqtt]", '[mqtt]\nbase_topic = "office"').replace('"state"', '"office"')
    text = text.split("[web]", maxsplit=1)[0] + "[web]\nenabled = false\n"
    config = stage.folder / "office.toml"
    tables = TABLE.format(group=group.group_id) + SMALL.format(client_id=other.client_id)
    config.write_text(text + tables, encoding="utf-8")
    built = Office(home, config, people, stage.home.app, certificates)
    built.start()
    await built.until("available", FIRST, LAST, ALONE)
    yield built
    assert built.bridge
    stage.stop(built.bridge, signal.SIGKILL)


async def test_who_is_in_two_tables_follows_the_small_one_until_that_is_gone(
    office: Office,
) -> None:
    directory, (alone, first, *_) = office.home.stage.home.directory, office.people
    directory.change(first, "Busy", "InACall")
    await office.until("in_a_call", FIRST)
    await office.lose_the_certificate()
    directory.change(alone, "Away")
    await office.until("away", ALONE)
    directory.change(first, "Away")
    await office.get_it_back()
    await office.until("away", FIRST)
    await office.until("available", LAST)

    with_few = office.config.read_text(encoding="utf-8")
    office.reload(with_few.split("[accounts.few]", maxsplit=1)[0])
    taken = ALONE.replace("few", "crowd")
    await office.until("away", taken)
    await office.until_gone(ALONE)
    office.reload(with_few)
    await office.until("away", ALONE)
    await office.until_gone(taken)


async def test_what_is_stored_is_enough_for_home_assistant_after_a_restart(office: Office) -> None:
    home, mqtt = office.home, office.home.stage.mqtt
    assert office.bridge
    home.stage.stop(office.bridge, signal.SIGKILL)
    await mqtt.until_text(BRIDGE, "offline", since=len(mqtt.heard) - 1)
    await office.until("unavailable", FIRST, LAST, ALONE)
    await mqtt.publish(BRIDGE, "online", retain=True)  # as it stands while a bridge has no news
    await office.until("available", LAST)
    since = len(mqtt.heard)
    await home.restart()
    await office.until("away", FIRST, ALONE)
    await office.until("available", LAST)
    said = {heard.topic for heard in mqtt.heard[since:] if heard.topic.startswith("office/")}
    assert not said
    await mqtt.publish(BRIDGE, "offline", retain=True)
    await office.until("unavailable", FIRST, LAST, ALONE)
    office.start()
    await office.until("away", FIRST, ALONE)
    await office.until("available", LAST)


async def test_what_is_stored_of_who_is_in_a_large_table_never_expires(office: Office) -> None:
    expires: dict[str, int | None] = {}
    names = [f"office/account/{slug}/state" for slug in ("crowd_p001", "crowd_p201", "few_p000")]
    async with (
        aiomqtt.Client(
            "127.0.0.1", office.home.stage.broker.port, protocol=aiomqtt.ProtocolVersion.V5
        ) as client,
        asyncio.timeout(30),
    ):
        for name in (*names, FRESH):
            await client.subscribe(name)
        async for message in client.messages:
            expiry = getattr(message.properties, "MessageExpiryInterval", None)
            expires[str(message.topic)] = expiry
            if len(expires) == len(names) + 1:
                break
    assert [expires[name] is None for name in (*names, FRESH)] == [True, True, False, False]


async def test_with_beat_each_says_it_and_without_it_the_table_does(office: Office) -> None:
    heard = office.home.stage.mqtt
    await office.beat(on=True)
    await heard.until_text(FRESH, "")
    directory = office.home.stage.home.directory
    directory.change(office.people[-1], "DoNotDisturb", "Presenting")
    await office.until("presenting", LAST)
    await office.lose_the_certificate()
    await office.beat(on=False)
    await office.get_it_back()
    await office.until("presenting", LAST)
    await office.until("away", FIRST)
    assert heard.last[FRESH].json["state"] == "online"
