"""The programs at a broker that lets each user do only what ``init`` says."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from bridge.setup import InitOptions
from tests.e2e.conftest import Stage
from tests.fakes.init import initialise
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import subscriber

ROOT = Path(__file__).parents[2]
LAMP = "presence/driver/desk/light/state"
SLOW_S = 60.0
"""Two programs start and somebody signs in, on a machine that does much else."""
RED, GREEN = {"r": 255, "g": 0, "b": 0}, {"r": 0, "g": 255, "b": 0}
DRIVER = '[drivers.desk]\nkind = "console"\nfollow = ["alice"]\n'


@pytest_asyncio.fixture(loop_scope="session")
async def fenced(stage: Stage, tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """The broker of the stage, with the shipped rules and what ``init`` made."""
    folder = tmp_path / "fenced"
    shutil.copytree(ROOT / "mosquitto", folder / "mosquitto")
    initialise(folder, InitOptions(account="alice", driver="desk"))
    initialise(folder, InitOptions(driver="hall", follow="bob"))
    rules = "allow_anonymous false\npassword_file {0}/passwords\nacl_file {0}/acl"
    async with running(folder, extra=rules.format(folder / "mosquitto")) as broker:
        stage.broker = broker
        yield broker


def password_file(broker: Mosquitto, user: str) -> Path:
    return broker.folder / "secrets" / f"mqtt_{user}"


def as_user(broker: Mosquitto, name: str) -> dict[str, str]:
    file = str(password_file(broker, name))
    return {"PRESENCE_MQTT__USERNAME": name, "PRESENCE_MQTT__PASSWORD_FILE": file}


async def test_bridge_and_lamp_do_all_their_work_within_their_rights(
    stage: Stage, fenced: Mosquitto
) -> None:
    stage.configure(DRIVER)
    password = password_file(fenced, "homeassistant").read_text(encoding="utf-8")
    async with subscriber(fenced.port, username="homeassistant", password=password) as home:
        where = ("--config", str(stage.config))
        stage.be("Busy", "InACall")
        bridge = stage.start_in(
            stage.folder, "bridge", "run", *where, environ=as_user(fenced, "bridge")
        )
        lamp = stage.start_in(
            stage.folder, "drivers", "desk", *where, environ=as_user(fenced, "desk")
        )
        await home.until(LAMP, lambda h: h.json.get("color") == RED, deadline_s=SLOW_S)
        await home.publish("presence/driver/desk/light/set", '{"state":"OFF"}')
        await home.until(LAMP, lambda h: h.json["state"] == "OFF")
        since = len(home.heard)
        await home.publish("homeassistant/status", "online")
        await home.until("homeassistant/device/desk/light/config", since=since)
        await home.publish("presence/bridge/request/health_check", "{}")
        await home.until("presence/bridge/response/health_check")
        since = len(home.heard)
        assert (stage.stop(lamp), stage.stop(bridge)) == (0, 0)
        await home.until_text("presence/driver/desk/state", "offline", since=since)
        await home.until_text("presence/bridge/state", "offline", since=since)
    assert "Denied" not in fenced.log


async def test_a_lamp_learns_that_a_sign_in_is_needed_and_never_its_code(
    stage: Stage, fenced: Mosquitto
) -> None:
    stage.configure(DRIVER)
    stage.microsoft.auto_approve(None)
    password = password_file(fenced, "homeassistant").read_text(encoding="utf-8")
    lamps_own = password_file(fenced, "desk").read_text(encoding="utf-8")
    async with (
        subscriber(fenced.port, username="homeassistant", password=password) as home,
        subscriber(fenced.port, username="desk", password=lamps_own) as as_lamp,
    ):
        where = ("--config", str(stage.config))
        stage.start_in(stage.folder, "bridge", "run", *where, environ=as_user(fenced, "bridge"))
        stage.start_in(stage.folder, "drivers", "desk", *where, environ=as_user(fenced, "desk"))
        auth = await home.until(
            "presence/account/alice/auth", lambda h: h.json["user_code"], deadline_s=SLOW_S
        )
        code = auth.json["user_code"]
        rule = "presence/driver/desk/light/rule"
        await home.until(rule, lambda h: h.json["rule"] == "sign-in needed", deadline_s=SLOW_S)
        stage.microsoft.approve(code, stage.home.person)
        await home.until(LAMP, lambda h: h.json.get("color") == GREEN, deadline_s=SLOW_S)
        await as_lamp.until(rule)
        assert code.encode() not in b"".join(heard.payload for heard in as_lamp.heard)
        assert "presence/account/alice/sign_in" in as_lamp.last
