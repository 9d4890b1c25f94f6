from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import load_host
from bridge.config.tables.shared import HostConfig
from bridge.contract.errors import ConfigError, LightRefusedError
from drivers.base import Found, Kind
from drivers.commands.finding import add, chosen, key_of, report
from drivers.wiz_lamp import KIND

ONE = Found("Büro links", "192.0.2.7", "WiZ", {"mac": "a8bb5006033d"})
TWO = Found("Hall", "192.0.2.8", "WiZ", {"mac": "a8bb5006033e"})


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Büro links", "buro_links"),
        ("日本", "lamp"),
        (" A/B ", "a_b"),
        ("Test", "test_lamp"),
        ("x" * 99, "x" * 30),
    ],
)
def test_a_name_becomes_a_key_that_topics_and_the_command_line_can_have(
    name: str, key: str
) -> None:
    assert key_of(name) == key


def kind_of(*answered: Found) -> Kind[Any]:
    async def find(_: str | None) -> AsyncGenerator[Found, None]:
        for each in answered:
            yield each

    return replace(KIND, find=find)


async def test_each_lamp_that_answers_has_a_table_of_its_own_that_a_config_takes(
    tmp_path: Path,
) -> None:
    odd = Found('De"sk\n[mqtt]\x1b[31m', "192.0.2.9", "WiZ", {"mac": "a8bb50060340"})
    twin = replace(TWO, options={"mac": "a8bb5006033f"}, address="192.0.2.9")
    told = await report([kind_of(TWO, ONE, TWO, twin), kind_of(odd), kind_of()])
    assert [line for line in told if line.startswith("#")] == [
        "# Büro links: WiZ at 192.0.2.7",
        "# Hall: WiZ at 192.0.2.8",
        "# Hall: WiZ at 192.0.2.9",
        '# De"sk [mqtt] [31m: WiZ at 192.0.2.9',
        "# wiz: no lamp answers.",
    ]
    file = tmp_path / "config.toml"
    file.write_text("\n".join(told), encoding="utf-8")
    written = {key: table.model_extra for key, table in load_host(file, {}).drivers.items()}
    assert written == {
        "buro_links": {"mac": "a8bb5006033d", "name": "Büro links"},
        "hall": {"mac": "a8bb5006033e", "name": "Hall"},
        "hall_2": {"mac": "a8bb5006033f", "name": "Hall"},
        "de_sk_mqtt_31m": {"mac": "a8bb50060340", "name": 'De"sk [mqtt] [31m'},
    }


@pytest.mark.parametrize("at", ["lamp.local", "192.0.2", "[fe80]", "192.0.2.7:x", ""])
async def test_where_nobody_can_be_is_not_looked(at: str) -> None:
    with pytest.raises(ConfigError, match="write an IP address"):
        await report([KIND], at)


async def test_a_kind_without_its_library_says_what_to_install() -> None:
    async def find(at: str | None) -> AsyncGenerator[Found, None]:
        if at:
            raise ImportError("No module named 'pywizlight'")
        yield ONE

    with pytest.raises(ConfigError, match=r"pywizlight.*wiz"):
        await report([replace(KIND, find=find)], "192.0.2.7")


def test_of_two_with_one_name_one_is_named_by_what_is_its_own() -> None:
    twin = replace(TWO, options={"mac": "a8bb5006033f"})
    with pytest.raises(LightRefusedError, match=r"'Hall' \(192.0.2.8, a8bb5006033e\), 'Hall'"):
        chosen([TWO, twin], "hall")
    assert chosen([TWO, twin], "A8BB5006033F") is twin


@pytest.mark.parametrize(
    "text", ["", "# mine\r\n[mqtt] # ours\r\nport = 1883\r\n", "[web]\n", "[web]"]
)
def test_the_rest_of_a_config_stays_as_it_is_to_the_last_byte(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode())
    add(file, load_host(file, {}), KIND, TWO)
    after = file.read_bytes().decode()
    assert after.startswith(text)
    assert after.count("\n") == after.count("\r\n") or "\r" not in after
    assert "hall" in load_host(file, {}).drivers


def test_a_config_that_cannot_be_written_is_left_to_a_person(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"yourself \(No such file .*\):\n(?s:.*)\[drivers.hall\]"
    ):
        add(tmp_path / "gone", HostConfig(state_dir=tmp_path), KIND, TWO)


def test_a_command_is_no_name_of_a_lamp(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a command"):
        add(tmp_path / "config.toml", HostConfig(state_dir=tmp_path), KIND, TWO, "find")


def test_of_several_one_is_named_by_its_name_or_address() -> None:
    assert chosen([ONE, TWO], "hall") is TWO
    assert chosen([ONE, TWO], "192.0.2.7") is ONE
    with pytest.raises(LightRefusedError, match="2 lamps answer: 'Büro links'"):
        chosen([ONE, TWO], None)


def test_a_key_that_another_lamp_has_is_not_taken(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[drivers.hall]\nkind = "console"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="--name"):
        add(file, load_host(file, {}), KIND, TWO)
    assert add(file, load_host(file, {}), KIND, TWO, "hall2") == "hall2"
    assert load_host(file, {}).drivers["hall2"].model_extra == {
        "mac": TWO.options["mac"],
        "name": "Hall",
    }


def test_a_config_in_another_style_is_left_to_a_person(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    text = 'drivers = { shelf = { kind = "console" } }\n'
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"write this into .* yourself"):
        add(file, load_host(file, {}), KIND, TWO)
    assert file.read_text(encoding="utf-8") == text
