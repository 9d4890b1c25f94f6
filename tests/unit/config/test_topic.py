"""Topics in the config: what cannot work is refused with its cure, and what worked is read."""

from pathlib import Path
from typing import Any

import pytest

from bridge.config.loader import load_host
from bridge.contract.errors import ConfigError

BASES = ["mqtt.base_topic", "homeassistant.discovery_prefix"]


def refused(tmp_path: Path, key: str, value: str, **more: str) -> list[str]:
    """What a person is told when ``key`` is ``value``."""
    tables: dict[str, dict[str, str]] = {"mqtt": {}, "homeassistant": {}}
    for name, said in {key: value, **more}.items():
        table, _, word = name.partition(".")
        tables[table][word] = said
    file = tmp_path / "config.toml"
    lines = [
        line
        for table, keys in tables.items()
        for line in (f"[{table}]", *(f"{word} = {_quoted(said)}" for word, said in keys.items()))
    ]
    file.write_text("\n".join(lines), encoding="utf-8")
    try:
        load_host(file, {"HOME": str(tmp_path)})
    except ConfigError as error:
        return error.problems
    return []


def _quoted(text: str) -> str:
    escaped = "".join(c if c.isprintable() and c not in '"\\' else f"\\u{ord(c):04x}" for c in text)
    return f'"{escaped}"'


@pytest.mark.parametrize("key", BASES)
@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("/teams", "must not begin or end with a slash: write 'teams'"),
        ("teams/", "must not begin or end with a slash: write 'teams'"),
        ("teams/#", "has + or # in it, which stand for any topic: write 'teams'"),
        ("teams/+/a", "has + or # in it, which stand for any topic: write 'teams/a'"),
        ("a//b", "has nothing between two slashes: write 'a/b'"),
        ("$SYS/teams", "begins with $, as only topics of the broker itself do: write 'sys/teams'"),
        ("$share/g/t", "begins with $, as only topics of the broker itself do: write 'share/g/t'"),
        ("a\0b", "has a character in it that cannot be seen: write 'a_b'"),
        ("a\nb", "has a character in it that cannot be seen: write 'a_b'"),
        ("My Teams", "can only have a-z, 0-9, _ and -, and / between its levels: write 'my_teams'"),
        ("büro", "can only have a-z, 0-9, _ and -, and / between its levels: write 'b_ro'"),
        ("teams\n", "has a character in it that cannot be seen: write 'teams'"),
        ("/", "must not begin or end with a slash"),
        (" ", "is empty: write a word, or leave the line out"),
        ("é" * 101, "is longer than 100 characters: write a short word"),
        ("a" * 101, "is longer than 100 characters: write a short word"),
    ],
)
def test_a_base_that_cannot_be_is_refused_with_its_cure(
    tmp_path: Path, key: str, value: str, told: str
) -> None:
    assert refused(tmp_path, key, value) == [f"{key}: {told}"]


@pytest.mark.parametrize("key", BASES)
@pytest.mark.parametrize("value", ["a", "home/ha", "_x/-y/0", "a" * 100])
def test_what_was_read_before_is_read(tmp_path: Path, key: str, value: str) -> None:
    assert refused(tmp_path, key, value) == []


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("home/+", "has + or # in it, which stand for any topic"),
        ("$SYS/x", "begins with $, as only topics of the broker itself do"),
        ("a\0", "has a character in it that cannot be seen"),
        ("a" * 251, "is longer than 250 bytes"),
    ],
)
def test_a_birth_topic_that_nobody_can_speak_on_is_refused(
    tmp_path: Path, value: str, told: str
) -> None:
    key = "homeassistant.birth_topic"
    cure = ": write the topic that Home Assistant uses"
    assert refused(tmp_path, key, value) == [f"{key}: {told}{cure}"]


@pytest.mark.parametrize("value", ["", "ha/status", "/My Home/born", "presence2/x", "büro/status"])
def test_home_assistant_may_speak_on_any_topic(tmp_path: Path, value: str) -> None:
    assert refused(tmp_path, "homeassistant.birth_topic", value) == []


@pytest.mark.parametrize("birth", ["home", "home/bridge/state", "home/driver/desk/state"])
def test_our_own_word_is_no_birth(tmp_path: Path, birth: str) -> None:
    more: Any = {"mqtt.base_topic": "home"}
    (told,) = refused(tmp_path, "homeassistant.birth_topic", birth, **more)
    assert told.startswith("homeassistant.birth_topic must not be below home, where we speak")


def test_discovery_and_base_are_two(tmp_path: Path) -> None:
    more: Any = {"mqtt.base_topic": "home"}
    (told,) = refused(tmp_path, "homeassistant.discovery_prefix", "home", **more)
    assert "must differ: leave base_topic out, or write" in told
