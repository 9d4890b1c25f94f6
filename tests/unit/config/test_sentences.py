"""Whatever somebody writes into the config, the answer is a sentence about one of their keys."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import check, load
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError
from bridge.web.posts import name_of
from bridge.web.refused import RefusedError
from bridge.web.set_up.answers import broker_of, registration_of, zone_of
from tests.fakes.rows import rows
from tests.fakes.wrong_values import JARGON, VALUES, keys_of, table_with

HOME = {"HOME": "/home/somebody"}
KEYS = list(dict.fromkeys(keys_of(Config)))


def answers(table: dict[str, Any]) -> list[str]:
    try:
        check(table, folder=Path("/nowhere"), environ=HOME)
    except ConfigError as error:
        return error.problems
    return []


@rows("key", KEYS)
def test_a_wrong_value_is_answered_in_words(key: tuple[str, ...]) -> None:
    told = [answer for value in VALUES for answer in answers(table_with(key, value))]
    assert [answer for answer in told if JARGON.search(answer)] == []
    tables = {key[0], "homeassistant.discovery_prefix and mqtt.base_topic must differ"}
    assert {re.split(r"[.:]", answer)[0] for answer in told} <= tables
    assert told or key[-1] == "name"


@pytest.mark.parametrize("key", KEYS, ids=".".join)
def test_a_wrong_variable_is_answered_in_words(key: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("", encoding="utf-8")
    variable = f"PRESENCE_{'__'.join(key).upper()}"
    told: list[str] = []
    for value in VALUES[::3]:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        try:
            load(tmp_path / "config.toml", HOME | {variable: text})
        except ConfigError as error:
            told += error.problems
    assert [answer for answer in told if JARGON.search(answer)] == []


@rows(
    ("key", "value", "told"),
    [
        (("mqtt", "port"), 70000, "mqtt.port: must be 65535 or less"),
        (("mqtt", "port"), [1883], "mqtt.port: must be a whole number"),
        (("mqtt", "tls"), "perhaps", "mqtt.tls: must be true or false"),
        (("mqtt", "host"), ["nas"], "mqtt.host: must be text in quotes"),
        (("mqtt",), "localhost", "mqtt: must be a table"),
        (("mqtt", "ca_file"), 5, "mqtt.ca_file: must be a path in quotes"),
        (("mqtt", "ca_file"), "~nobody-here/x", "mqtt.ca_file: ~nobody-here is not a user of this"),
        (("mqtt", "ca_file"), "a\0b", "mqtt.ca_file: has a character that no path can have"),
        (("web", "hosts"), "nas.local", 'web.hosts: must be a list, as in ["this", "that"]'),
        (
            ("web", "hosts"),
            ["https://x.example"],
            "web.hosts.0: must be a name such as pres",
        ),
        (("polling", "fastest"), 100_000, "polling.fastest: must be 86400 or less"),
        (("polling", "fastest"), 0, "polling.fastest: must be more than 0"),
        (("accounts", "a", "sign_in"), "code", "accounts.a.sign_in: must be 'device_code', 'brow"),
        (("accounts", "a", "hours"), "08-18", "accounts.a.hours: must be a table"),
        (("accounts", "a", "watch"), "b@x.example", "accounts.a.watch: must be a list"),
        (("microsoft", "login_url"), "login", "microsoft.login_url: cannot be written like this"),
        (("microsoft", "client"), "x", "microsoft.client: unknown; did you mean client_id?"),
        (("drivers", "Desk"), {"kind": "x"}, "drivers.Desk: can only have a-z, 0-9, _ and -"),
        (("drivers", "desk"), {}, "drivers.desk.kind: is missing"),
    ],
)
def test_the_answer_names_the_key_and_the_cure(
    key: tuple[str, ...], value: object, told: str
) -> None:
    [answer] = answers(table_with(key, value))
    assert answer.startswith(told)


FORMS = (
    *((broker_of, {"host": "localhost"}, key) for key in ("host", "port", "username", "password")),
    (registration_of, {"client_id": "x"}, "tenant"),
    (registration_of, {"tenant": "contoso.com"}, "client_id"),
    (name_of, {}, "name"),
    (zone_of, {}, "time_zone"),
)


@rows(("take", "right", "field"), FORMS)
def test_the_forms_of_the_set_up_answer_in_words(
    take: Callable[[Mapping[str, str]], object], right: Mapping[str, str], field: str
) -> None:
    told: list[str] = []
    for value in (value for value in VALUES if isinstance(value, str)):
        try:
            take({**right, field: value})
        except RefusedError as error:
            told.append(str(error))
    assert [answer for answer in told if JARGON.search(answer)] == []
