"""What becomes of a config in the app of Home Assistant."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.config.supervisor import (
    AppOptions,
    MqttService,
    NoServiceError,
    is_app,
    options_of,
    with_broker,
    with_page,
    without_broker,
)
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError
from tests.fakes.rows import rows

MOSQUITTO = MqttService(
    host="core-mosquitto", port=1883, username="addons", password=SecretStr("s3cret")
)
ALL = {
    "host": "core-mosquitto",
    "port": 1883,
    "tls": False,
    "username": "addons",
    "password": SecretStr("s3cret"),
}
ADDRESS = {"host": "core-mosquitto", "port": 1883, "tls": False}


def mosquitto() -> MqttService:
    return MOSQUITTO


def nothing() -> MqttService:
    raise NoServiceError


def never() -> MqttService:
    raise AssertionError("the Supervisor was not to be asked")


def test_only_the_supervisor_makes_us_an_app() -> None:
    assert is_app({"SUPERVISOR_TOKEN": "abc"})
    assert not is_app({})
    assert not is_app({"SUPERVISOR_TOKEN": ""})


@rows(
    ("own", "filled"),
    [
        ({}, ALL),
        ({"host": "localhost"}, ALL),
        ({"host": "127.0.0.1", "port": 1884}, ALL),
        ({"host": "::1"}, ALL),
        ({"base_topic": "home"}, {**ALL, "base_topic": "home"}),
        ({"username": "bridge"}, {**ADDRESS, "username": "bridge"}),
        (
            {"host": "localhost", "username": "bridge", "password_file": "secrets/mqtt"},
            {**ADDRESS, "username": "bridge", "password_file": "secrets/mqtt"},
        ),
        (
            {"tls": True, "ca_file": "ca.pem"},
            {
                "host": "core-mosquitto",
                "tls": True,
                "ca_file": "ca.pem",
                "username": "addons",
                "password": SecretStr("s3cret"),
            },
        ),
    ],
)
def test_what_is_missing_of_the_broker_is_filled_in_and_what_is_written_wins(
    own: dict[str, Any], filled: dict[str, Any]
) -> None:
    assert with_broker({"mqtt": own, "web": {}}, mosquitto) == {"mqtt": filled, "web": {}}


def test_a_config_without_the_table_gets_it() -> None:
    assert with_broker({}, mosquitto) == {"mqtt": ALL}


@pytest.mark.parametrize("host", ["192.168.1.5", "nas.local", "core-mosquitto", 5])
def test_a_broker_of_ones_own_is_left_alone_and_nobody_is_asked(host: object) -> None:
    table = {"mqtt": {"host": host, "username": "bridge"}}
    assert with_broker(table, never) == table


def test_a_table_that_is_none_is_left_to_who_checks_it() -> None:
    assert with_broker({"mqtt": "yes"}, never) == {"mqtt": "yes"}
    assert with_page({"web": 5}) == {"web": 5}


@pytest.mark.parametrize("own", [{}, {"host": "localhost", "base_topic": "home"}])
def test_without_a_broker_there_is_none_rather_than_one_in_the_container(
    own: dict[str, Any],
) -> None:
    assert "host" not in with_broker({"mqtt": own}, nothing)["mqtt"]


def test_the_page_is_where_ingress_looks_whatever_a_config_says_that_was_brought_along() -> None:
    brought = {"host": "127.0.0.1", "port": 80, "trusted_proxies": ["10.0.0.0/8"], "history": False}
    assert with_page({"web": brought})["web"] == {
        "host": "0.0.0.0",
        "port": 8099,
        "trusted_proxies": ["172.30.32.2"],
        "history": False,
    }


def written(folder: Path, text: str) -> Path:
    file = folder / "options.json"
    file.write_text(text, encoding="utf-8")
    return file


def test_options_are_read(tmp_path: Path) -> None:
    chosen = {"log_level": "debug", "lamps": ["desk", "door"], "pair": ["desk"]}
    options = options_of(written(tmp_path, json.dumps(chosen)))
    assert options == AppOptions(log_level="debug", lamps=("desk", "door"), pair=("desk",))
    assert options_of(written(tmp_path, "{}")) == AppOptions()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Expecting property name"),
        ('{"log_level": "loud"}', "log_level: must be"),
        ('{"lamps": ["My Desk"]}', "lamps"),
        ('{"lamp": ["desk"]}', "did you mean lamps?"),
    ],
)
def test_an_option_that_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(ConfigError, match=str(file)) as refused:
        options_of(file)
    assert problem in str(refused.value)


def test_options_that_are_not_there_are_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        options_of(tmp_path / "options.json")


@pytest.mark.parametrize(
    ("mqtt", "token", "advised"),
    [
        ({}, "abc", True),
        ({"host": "core-mosquitto"}, "abc", False),
        ({"hosts": ["a.lan", "localhost"]}, "abc", False),
        ({}, "", False),
    ],
)
def test_what_to_install_is_said_in_the_app_alone(
    mqtt: dict[str, object], token: str, *, advised: bool
) -> None:
    hosts = [each.host for each in MqttSettings.model_validate(mqtt).brokers]
    assert bool(without_broker(hosts, {"SUPERVISOR_TOKEN": token})) is advised
