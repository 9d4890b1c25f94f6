import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError
from drivers.serial_lamp import KIND
from drivers.serial_lamp.options import SerialOptions
from drivers.settings import read

PAGE = Path(__file__).parents[4] / "docs" / "lights" / "serial.md"


def options(**values: object) -> SerialOptions:
    return SerialOptions.model_validate({"port": "/dev/ttyACM0", **values})


def test_a_port_is_all_that_our_board_needs() -> None:
    assert options().protocol == "line"
    assert options().boot_s == 4
    assert options(protocol="adalight").boot_s == 2
    assert options(boot=0).boot_s == 0


def test_leds_on_pins_follow_the_eye_and_wled_sees_to_that_itself() -> None:
    found = [options(protocol=name).exponent for name in ("line", "adalight", "wled")]
    assert found == [2.2, 2.2, 1]
    assert options(gamma=1).exponent == 1
    with pytest.raises(ValidationError, match="WLED has a setting of its own"):
        options(protocol="wled", gamma=2.2)


@pytest.mark.parametrize("values", [{"port": ""}, {"usb": "2341"}, {"usb_serial": "75"}])
def test_a_port_is_named_in_one_way(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="either port"):
        options(**values)


@pytest.mark.parametrize("usb", ["2341:43", "0x2341:0x0043", "arduino", "2341:0043:1"])
def test_a_usb_id_is_written_as_lsusb_does(usb: str) -> None:
    with pytest.raises(ValidationError, match="usb"):
        SerialOptions.model_validate({"usb": usb})


def test_more_leds_than_the_line_carries_are_refused() -> None:
    options(protocol="adalight", leds=1900)
    options(protocol="adalight", leds=4000, baud=1_000_000)
    with pytest.raises(ValidationError, match="raise baud"):
        options(protocol="adalight", leds=2000)


def test_a_mistake_names_its_key() -> None:
    table = {"kind": "serial", "port": "/dev/ttyACM0", "protocoll": "line", "baud": 7}
    config = Config.model_validate({"state_dir": "/tmp", "drivers": {"desk": table}})
    with pytest.raises(ConfigError) as caught:
        read(config, "desk", KIND.options)
    assert {problem.split(":")[0] for problem in caught.value.problems} == {
        "drivers.desk.protocoll",
        "drivers.desk.baud",
    }


def test_common_keys_stand_beside_those_of_the_kind() -> None:
    table = {"kind": "serial", "usb": "2341:0043", "follow": ["alice"], "brightness": 0.5}
    config = Config.model_validate({"state_dir": "/tmp", "drivers": {"desk": table}})
    common, own = read(config, "desk", KIND.options)
    assert (common.brightness, own) == (0.5, SerialOptions(usb="2341:0043"))


def test_the_examples_of_the_page_are_read() -> None:
    examples = re.findall(r"```toml\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) == 3
    for example in examples:
        config = Config.model_validate({"state_dir": "/tmp", **tomllib.loads(example)})
        for name in config.drivers:
            read(config, name, KIND.options)
