"""Everything that stands around Home Assistant: Microsoft, broker, bridge, lamp, bulbs, phone."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from tests.e2e.conftest import Stage
from tests.fakes.forks import Program
from tests.homeassistant.bulb import Bulb
from tests.homeassistant.client import HomeAssistant, connected
from tests.homeassistant.phone import Phone
from tests.homeassistant.server import Server

ACTIVITY, IN_CALL = "sensor.teams_alice_activity", "binary_sensor.teams_alice_in_call"
SIGN_IN, LAMP, HALL = "sensor.teams_alice_signin_state", "light.lamp", "light.hall"
LAMPS = ("lamp", "hall", "sign", "strip")
PINS = {"GPIOZERO_PIN_FACTORY": "mock", "GPIOZERO_MOCK_PIN_CLASS": "mockpwmpin"}
CONFIG = """
set_presence = true
[drivers.lamp]
kind = "console"
follow = ["alice"]
[drivers.hall]
kind = "virtual"
follow = ["alice"]
settle = 1
[drivers.hall.looks]
busy = { color = "red", brightness = 0.4 }
away = { give_back = true }
be_right_back = { color = "black" }
[drivers.sign]
kind = "mqtt"
device = "template"
topic = "sign/set"
payload = '{"text":"{person}: {activity}","color":"#{hex}"}'
payload_off = '{}'
words = { alice = "Alice", in_a_call = "on the phone" }
[drivers.strip]
kind = "gpio"
pins = { red = 17, green = 27, blue = 22 }
gamma = 2.8
[accounts.bob]
name = "Bob"
"""
HELPERS = """
input_boolean:
  quiet:
input_select:
  radio: {options: [playing, paused, idle], initial: idle}
  speaker: {options: [playing, paused, idle], initial: idle}
media_player:
""" + "".join(
    f"""
  - platform: universal
    name: {name}
    unique_id: player_{name}
    state_template: "{{{{ states('input_select.{name}') }}}}"
    commands:
      media_play:
        action: input_select.select_option
        target: {{entity_id: input_select.{name}}}
        data: {{option: playing}}
      media_pause:
        action: input_select.select_option
        target: {{entity_id: input_select.{name}}}
        data: {{option: paused}}
"""
    for name in ("radio", "speaker")
)


def start_lamp(stage: Stage, lamp: str) -> Program:
    """The driver of a lamp, with pins that are nowhere."""
    words = stage.python("drivers", lamp, "--config", str(stage.config))
    return stage.start_program(words, environ=PINS)


@dataclass
class Household:
    """Alice, who is signed in, and what she has at home."""

    stage: Stage
    programs: dict[str, Program]
    """The bridge, and the driver of each lamp."""
    page: str
    """The address of the bridge's own page."""
    server: Server
    hass: HomeAssistant
    bulbs: dict[str, Bulb]
    phone: Phone
    later: AsyncExitStack
    """Ends what a test has begun and the next ones use."""

    @property
    def bulb(self) -> Bulb:
        return self.bulbs["door"]

    async def be(self, availability: str, activity: str | None = None) -> None:
        """Change what Alice does at Microsoft, and wait until Home Assistant shows it."""
        self.stage.be(availability, activity)
        word = "".join(f"_{c.lower()}" if c.isupper() else c for c in activity or availability)
        await self.hass.until_state(ACTIVITY, word.removeprefix("_"))

    async def call(self) -> None:
        """A call begins."""
        await self.be("Busy", "InACall")

    async def hang_up(self) -> None:
        """It ends."""
        await self.be("Available")

    async def follow_presence(self, lamp: str = LAMP) -> None:
        """Let a lamp follow Alice."""
        await self.hass.call("light.turn_on", lamp, effect="presence")
        await self.hass.until_state(lamp, "on", effect="presence", brightness=255)

    @contextmanager
    def config_with(self, line: str, *, below: str) -> Iterator[None]:
        """``line`` stands in ``config.toml`` below another one, until the end of the block."""
        before = self.stage.config.read_text(encoding="utf-8")
        after = before.replace(below, f"{below}\n{line}")
        self.stage.config.write_text(after, encoding="utf-8")
        try:
            yield
        finally:
            self.stage.config.write_text(before, encoding="utf-8")

    def reload(self) -> None:
        """Let the bridge read the config."""
        self.programs["bridge"].send_signal(signal.SIGHUP)

    async def restart_lamp(self, lamp: str) -> None:
        """Stop the driver of a lamp, and start it with the config of now."""
        await asyncio.to_thread(self.stage.stop, self.programs[lamp])
        await self.hass.until_state(f"light.{lamp}", "unavailable")
        self.programs[lamp] = start_lamp(self.stage, lamp)

    async def sign_in(self) -> None:
        """Enter the code that waits."""
        state = await self.hass.until_state(SIGN_IN, "device_code_pending")
        self.stage.microsoft.approve(state["attributes"]["user_code"], self.stage.home.person)
        await self.hass.until_state(SIGN_IN, "signed_in")

    async def sign_bob_in(self) -> None:
        """He is somebody else in the team, who is away."""
        home = self.stage.home
        bob = home.directory.add_person(home.tenant, "bob@contoso.com")
        home.directory.change(bob, "Away", "Away")
        state = await self.hass.until_state("sensor.teams_bob_signin_state", "device_code_pending")
        self.stage.microsoft.approve(state["attributes"]["user_code"], bob)
        await self.hass.until_state("sensor.teams_bob_activity", "away")

    async def be_thrown_out(self) -> None:
        """Microsoft ends the sign-in."""
        self.stage.microsoft.revoke(self.stage.home.person)
        await self.hass.until_state(SIGN_IN, "expired", "device_code_pending")

    async def restart(self) -> None:
        """Stop Home Assistant, where it runs, and start it."""
        self.server.stop()
        self.server.start()
        await self.server.ready("/api/config")
        self.hass = await self.later.enter_async_context(
            connected(self.server.url, self.server.token)
        )
        await self.server.runs(self.hass)

    async def dashboard(self, name: str, config: Any) -> str:
        """Make a dashboard, as a person does; its path."""
        path = f"/teams-{name}"
        listed = await self.hass.command("lovelace/dashboards/list")
        if not any(one["url_path"] == path[1:] for one in listed):
            await self.hass.command(
                "lovelace/dashboards/create", url_path=path[1:], title=name.title(), mode="storage"
            )
        await self.hass.command("lovelace/config/save", url_path=path[1:], config=config)
        return path

    async def put_right(self) -> None:
        """As it was at the beginning."""
        if self.hass.states[SIGN_IN]["state"] != "signed_in":
            await self.hass.call("button.press", "button.teams_alice_signin")
            await self.sign_in()
        await self.hang_up()
        await self.hass.call("input_boolean.turn_off", "input_boolean.quiet")
        for scene in [name for name in self.hass.states if name.startswith("scene.")]:
            await self.hass.call("scene.delete", scene)
        for bulb in self.bulbs.values():
            await bulb.be({"state": "OFF"})
            await bulb.be_there(there=True)
            await self.hass.until_state(bulb.entity_id, "off")
            bulb.commands.clear()
