"""Every kind of ours, with a device behind it, in the suite that any kind must pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from drivers.base import Surroundings
from drivers.mqtt_light.options import MqttOptions
from drivers.registry import installed
from drivers.testing import FakeBus, LightContract, Rig
from tests.contract.lan_rigs import LifxRig, WizRig, YeelightRig
from tests.contract.rigs import (
    CommandRig,
    ConsoleRig,
    GpioRig,
    HttpRig,
    HueRig,
    MqttRig,
    PixelsRig,
    SerialRig,
    UsbRig,
    VirtualRig,
    WledRig,
)
from tests.fakes.mqtt_light_devices import EspHomeLight, TasmotaLight, WledStrip, ZigbeeBulb
from tests.fakes.serial_boards import AdalightStrip, LineBoard, WledBoard

RIGS: dict[str, Callable[[Path, FakeBus], Rig]] = {
    "command": lambda folder, _: CommandRig(folder),
    "console": lambda _, __: ConsoleRig(),
    "http": lambda folder, _: HttpRig(folder),
    "hue": lambda folder, _: HueRig(folder),
    "gpio": lambda _, __: GpioRig(),
    "lifx": lambda _, __: LifxRig(),
    "usb": lambda _, __: UsbRig(),
    "pixels": lambda _, __: PixelsRig(),
    "virtual": lambda _, __: VirtualRig(),
    "wled": lambda _, __: WledRig(),
    "wled segment": lambda _, __: WledRig(0),
    "serial line": lambda folder, _: SerialRig(folder, LineBoard(), "line", boot_s=4),
    "serial adalight": lambda folder, _: SerialRig(folder, AdalightStrip(), "adalight", boot_s=0),
    "serial wled": lambda folder, _: SerialRig(folder, WledBoard(), "wled", boot_s=4),
    "mqtt zigbee2mqtt": lambda _, bus: MqttRig(
        bus, ZigbeeBulb(), MqttOptions(device="zigbee2mqtt", topic="zigbee2mqtt/desk")
    ),
    "mqtt esphome": lambda _, bus: MqttRig(
        bus, EspHomeLight(), MqttOptions(device="esphome", topic="desk/light/lamp")
    ),
    "mqtt tasmota": lambda _, bus: MqttRig(
        bus, TasmotaLight(), MqttOptions(device="tasmota", topic="tasmota_desk")
    ),
    "mqtt wled": lambda _, bus: MqttRig(
        bus, WledStrip(), MqttOptions(device="wled", topic="wled/desk")
    ),
    "wiz": lambda _, __: WizRig(),
    "yeelight": lambda _, __: YeelightRig(),
}


class TestOurKinds(LightContract):
    @pytest.fixture(params=RIGS)
    def rig(
        self,
        request: pytest.FixtureRequest,
        tmp_path: Path,
        around: Surroundings,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Rig:
        monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")  # the rig has put its own pins there
        assert isinstance(around.bus, FakeBus)
        return RIGS[request.param](tmp_path, around.bus)


def test_every_kind_of_ours_is_in_this_suite() -> None:
    ours = {name for name, point in installed().items() if point.module.startswith("drivers.")}
    assert ours == {words.split()[0] for words in RIGS}
