"""Which broker goes into a new config."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli import _chosen_broker
from bridge.commands.choose_broker import chosen_broker
from bridge.config.loader import load
from bridge.contract.errors import ConfigError
from bridge.contract.found_broker import FoundBroker
from bridge.setup import InitOptions
from tests.fakes.init import initialise

FOUND = (FoundBroker("localhost", 1883), FoundBroker("ha.lan", 8883, tls=True, asks_who=True))


async def two() -> tuple[FoundBroker, ...]:
    return FOUND


async def nobody_looks() -> tuple[FoundBroker, ...]:
    raise AssertionError


def test_what_is_chosen_at_the_terminal_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    broker = chosen_broker(None, file, look=two, typed=lambda _: "2\n")
    shown = capsys.readouterr().out
    assert "1  localhost, port 1883: a broker, which lets everybody in" in shown
    assert "2  ha.lan, port 8883 with TLS: a broker, which asks for a user" in shown
    initialise(tmp_path, InitOptions(broker=broker))
    mqtt = load(file, {"HOME": str(tmp_path)}).mqtt
    assert (mqtt.address, mqtt.tls, mqtt.username) == ("ha.lan:8883", True, "bridge")
    assert mqtt.password


@pytest.mark.parametrize("answer", ["", "\n", "0", "3", "x", "-1", "²"])
def test_anything_else_is_the_broker_on_this_machine(tmp_path: Path, answer: str) -> None:
    file = tmp_path / "config.toml"
    assert not chosen_broker(None, file, look=two, typed=lambda _: answer)


def test_nobody_looks_without_a_terminal_or_for_a_config_that_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    assert _chosen_broker(None, tmp_path) is None
    file.write_text("")
    assert not chosen_broker(None, file, look=nobody_looks)
    with pytest.raises(ConfigError, match="is there already"):
        chosen_broker("nas", file, look=nobody_looks)


def test_an_address_is_given_as_people_write_it(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for text, address in (("nas.local", "nas.local:1883"), ("mqtts://nas:8884", "nas:8884")):
        broker = chosen_broker(text, file, look=nobody_looks)
        assert broker
        assert broker.address == address
    with pytest.raises(ConfigError, match="--broker: Give the broker's name"):
        chosen_broker("not an address", file, look=nobody_looks)
