"""Which busylight is meant; nothing is opened."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.usb.busylights import Found, UsbOptions, choose


class Flag:
    supported_device_ids: ClassVar[dict[int, str]] = {1: "Flag"}

    @staticmethod
    def vendor() -> str:
        return "Luxafor"


class Blink:
    supported_device_ids: ClassVar[dict[int, str]] = {2: "Blink(1)"}

    @staticmethod
    def vendor() -> str:
        return "ThingM"


@dataclass
class Plugged:
    device_id: int
    serial_number: str | None


FLAG, FLAG_2 = Found(Flag, Plugged(1, "AA11")), Found(Flag, Plugged(1, "BB22"))
BLINK = Found(Blink, Plugged(2, None))


@pytest.mark.parametrize(
    ("options", "meant"),
    [
        ({"device": "flag", "serial": "aa11"}, FLAG),
        ({"serial": "BB22"}, FLAG_2),
        ({"device": "blink(1)"}, BLINK),
        ({"device": "thingm"}, BLINK),
        ({"device": "ThingM Blink(1)"}, BLINK),
    ],
)
def test_a_light_is_chosen_by_name_maker_or_serial(options: dict[str, Any], meant: Found) -> None:
    assert choose([FLAG, FLAG_2, BLINK], UsbOptions(**options)) == [meant]


def test_the_only_light_needs_no_choice() -> None:
    assert choose([BLINK], UsbOptions()) == [BLINK]


def test_two_equal_lights_without_serial_numbers_are_one_choice() -> None:
    twin = Found(Blink, Plugged(2, ""))
    assert choose([BLINK, twin], UsbOptions(device="Blink(1)")) == [BLINK, twin]


def test_several_lights_are_listed() -> None:
    with pytest.raises(LightRefusedError) as caught:
        choose([FLAG, FLAG_2], UsbOptions(device="Flag"))
    assert "Luxafor Flag (serial number AA11), Luxafor Flag (serial number BB22)" in str(
        caught.value
    )
    assert "serial" in caught.value.remedy


@pytest.mark.parametrize(
    ("plugged", "text"),
    [
        ([], "no Flag with serial number 7 is plugged in"),
        ([BLINK], "no Flag with serial number 7 is plugged in; there is ThingM Blink(1)"),
    ],
)
def test_a_light_that_is_not_there_is_reported_with_those_that_are(
    plugged: list[Found], text: str
) -> None:
    with pytest.raises(LightUnreachableError) as caught:
        choose(plugged, UsbOptions(device="Flag", serial="7"))
    assert str(caught.value) == text


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError):
        UsbOptions.model_validate({"serials": "AA11"})


def test_importing_the_kind_imports_no_library() -> None:
    code = "import sys, drivers.usb; print(sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    for library in ("busylight_core", "loguru", "'hid'", "'serial'"):
        assert library not in done.stdout
