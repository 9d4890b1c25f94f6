"""The config of every command, where a stand-in for the Supervisor answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from bridge.config.loader import from_environment, load, load_host
from bridge.config.tables.config import Config
from bridge.contract.errors import TryAgainError
from bridge.service.guided_setup import unfinished
from tests.fakes.supervisor import Supervisor, running

MOSQUITTO = {
    "host": "core-mosquitto",
    "port": 1884,
    "ssl": False,
    "username": "addons",
    "password": "s3cret horse",
    "protocol": "3.1.1",
}


@pytest.fixture
async def supervisor() -> AsyncIterator[Supervisor]:
    async with running(Supervisor(mqtt=MOSQUITTO)) as supervisor:
        yield supervisor


async def loaded(file: Path, supervisor: Supervisor) -> Config:
    """Not on the loop on which the Supervisor answers: no program of ours reads a config there."""
    return await asyncio.to_thread(load, file, supervisor.environ)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "config.toml"
    file.write_text('[mqtt]\nhost = "localhost"\n[drivers.desk]\nkind = "console"\n', "utf-8")
    return file


async def test_bridge_lamp_and_set_up_get_the_broker_of_home_assistant(
    supervisor: Supervisor, file: Path, tmp_path: Path
) -> None:
    lamp = await asyncio.to_thread(load_host, file, supervisor.environ)
    bridge = await loaded(file, supervisor)
    draft = await asyncio.to_thread(from_environment, tmp_path, supervisor.environ)
    for config in (lamp, bridge, draft):
        assert config.mqtt.address == "core-mosquitto:1884"
        assert config.mqtt.username == "addons"
        assert config.mqtt.password
        assert config.mqtt.password.get_secret_value() == "s3cret horse"
    assert "host" in draft.mqtt.model_fields_set  # so that the set-up tries it and asks for none
    assert supervisor.asked == ["/services/mqtt"]


async def test_the_page_lets_ingress_in_and_nobody_else(supervisor: Supervisor, file: Path) -> None:
    web = (await loaded(file, supervisor)).web
    assert (web.host, web.port) == ("0.0.0.0", 8099)
    assert (web.trusted_proxies, web.password_file) == ((ip_network("172.30.32.2"),), None)


async def test_without_a_broker_the_set_up_asks_and_a_later_one_is_found(
    supervisor: Supervisor, file: Path
) -> None:
    supervisor.mqtt, file = None, file.with_name("none.toml")
    draft = await asyncio.to_thread(unfinished, file, supervisor.environ, set_up=True)
    assert draft
    assert "host" not in draft.mqtt.model_fields_set
    supervisor.mqtt = MOSQUITTO
    draft = await asyncio.to_thread(unfinished, file, supervisor.environ, set_up=True)
    assert draft
    assert draft.mqtt.host == "core-mosquitto"


@pytest.mark.parametrize(
    ("status", "mqtt", "words"),
    [
        (502, None, "status 502"),
        (None, {"port": 1883}, "status 200"),
        (None, {"host": "", "port": 1883}, "status 200"),
    ],
)
async def test_a_supervisor_that_fails_is_tried_later_and_its_secrets_stay_secret(
    supervisor: Supervisor, file: Path, status: int | None, mqtt: dict[str, object], words: str
) -> None:
    supervisor.status, supervisor.mqtt = status, mqtt
    with pytest.raises(TryAgainError, match=words) as failed:
        await loaded(file, supervisor)
    assert supervisor.token not in str(failed.value)


async def test_a_supervisor_that_is_away_is_tried_later(supervisor: Supervisor, file: Path) -> None:
    environ = {**supervisor.environ, "SUPERVISOR": "127.0.0.1:9"}
    with pytest.raises(TryAgainError, match=r"127\.0\.0\.1:9 does not answer"):
        await asyncio.to_thread(load, file, environ)


async def test_a_stranger_gets_nothing_from_it(supervisor: Supervisor, file: Path) -> None:
    environ = {**supervisor.environ, "SUPERVISOR_TOKEN": "other"}
    with pytest.raises(TryAgainError, match="status 401"):
        await asyncio.to_thread(load, file, environ)
