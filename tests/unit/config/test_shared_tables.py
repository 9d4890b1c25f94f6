import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config.loader import load_host
from bridge.config.tables.config import Config
from bridge.config.tables.shared import BRIDGE_TABLES, HostConfig
from bridge.contract.errors import ConfigError


def test_the_bridges_tables_are_those_that_a_lamp_does_not_read() -> None:
    assert set(BRIDGE_TABLES) == Config.model_fields.keys() - HostConfig.model_fields.keys()


def test_a_lamp_reads_its_part_whatever_the_bridges_part_says(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mqtt]\nhost = "b"\n[accounts.x]\nnmae = 1\n[drivers.d]\nkind = "console"\n')
    config = load_host(file, {"HOME": str(tmp_path)})
    assert (config.mqtt.host, list(config.drivers)) == ("b", ["d"])


def test_a_lamp_still_refuses_a_mistyped_table(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[mqt]\nhost = "b"\n')
    with pytest.raises(ConfigError) as told:
        load_host(file, {"HOME": str(tmp_path)})
    assert told.value.problems == ["mqt: unknown; did you mean mqtt?"]


def test_a_lamps_process_does_not_load_the_bridges_tables() -> None:
    code = (
        "import sys, drivers.runtime.runner, drivers.cli; "
        "print([m for m in sys.modules if m in sys.argv])"
    )
    heavy = ("bridge.config.tables.config", "bridge.config.tables.accounts", "tenacity")
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def loaded(tmp_path: Path, lines: str, **environ: str) -> HostConfig:
    file = tmp_path / "config.toml"
    file.write_text(f"[mqtt]\n{lines}\n")
    return load_host(file, {"HOME": str(tmp_path), **environ})


@pytest.mark.parametrize(
    ("line", "protocol"),
    [
        ("", "auto"),
        ('protocol = "auto"', "auto"),
        ('protocol = "5"', "5"),
        ("protocol = 5", "5"),
        ("protocol = 5.0", "5"),
        ('protocol = "3.1.1"', "3.1.1"),
    ],
)
def test_the_version_of_mqtt_may_be_chosen(tmp_path: Path, line: str, protocol: str) -> None:
    assert loaded(tmp_path, line).mqtt.protocol == protocol


def test_the_environment_may_choose_the_version_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, "", PRESENCE_MQTT__PROTOCOL="3.1.1").mqtt.protocol == "3.1.1"
    assert loaded(tmp_path, "", PRESENCE_MQTT__PROTOCOL="5").mqtt.protocol == "5"


@pytest.mark.parametrize("line", ['protocol = "4"', "protocol = 3.1", "protocol = true"])
def test_another_version_is_refused_with_those_that_there_are(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError) as told:
        loaded(tmp_path, line)
    (problem,) = told.value.problems
    assert problem == 'mqtt.protocol: must be one of "auto", "5", "3.1.1"'


def test_client_ids_begin_as_the_base_topic_or_as_chosen(tmp_path: Path) -> None:
    plain = loaded(tmp_path, 'base_topic = "office/floor_2"').mqtt
    assert plain.client_id_of("bridge") == "office_floor_2-bridge"
    chosen = loaded(tmp_path, 'client_id = "Tenant:7"').mqtt
    ids = {chosen.client_id_of(part) for part in ("bridge", "driver-desk", "driver-hall")}
    assert ids == {"Tenant:7-bridge", "Tenant:7-driver-desk", "Tenant:7-driver-hall"}


@pytest.mark.parametrize("value", ["", "a b", "a\\u0000", "ä", "x" * 61])
def test_what_brokers_would_refuse_as_a_client_id_is_refused(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as told:
        loaded(tmp_path, f'client_id = "{value}"')
    assert told.value.problems[0].startswith("mqtt.client_id: can have letters, digits and signs")
