from __future__ import annotations

from pathlib import Path

import pytest

from bridge.config.loader import load_host
from bridge.contract.errors import ConfigError, LightRefusedError
from drivers.base import Found
from drivers.finding import add, chosen, key_of
from drivers.wiz_lamp import KIND

ONE = Found("Büro links", "192.0.2.7", "WiZ", {"mac": "a8bb5006033d"})
TWO = Found("Hall", "192.0.2.8", "WiZ", {"mac": "a8bb5006033e"})


@pytest.mark.parametrize(
    ("name", "key"), [("Büro links", "buro_links"), ("日本", "lamp"), (" A/B ", "a_b")]
)
def test_a_name_becomes_a_key_that_topics_can_have(name: str, key: str) -> None:
    assert key_of(name) == key


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
