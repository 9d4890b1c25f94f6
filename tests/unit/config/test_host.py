import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import Config, HostConfig, load_host
from bridge.config.host import BRIDGE_TABLES
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
        "import sys, drivers.runner, drivers.cli; print([m for m in sys.modules if m in sys.argv])"
    )
    heavy = ("bridge.config.models", "bridge.config.accounts", "tenacity")
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
