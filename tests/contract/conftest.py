"""One rig after the other for each test of the suite."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers.base import Surroundings
from drivers.mqtt_light.options import MqttOptions
from tests.contract.rigs import ConsoleRig, GpioRig, HueRig, MqttRig, Rig, SerialRig, UsbRig
from tests.fakes.clock import ManualClock
from tests.fakes.mqtt_light_bus import FakeBus
from tests.fakes.mqtt_light_devices import EspHomeLight, TasmotaLight, WledStrip, ZigbeeBulb
from tests.fakes.serial_boards import AdalightStrip, LineBoard, WledBoard

RIGS: dict[str, Callable[[Path, FakeBus], Rig]] = {
    "console": lambda _, __: ConsoleRig(),
    "hue": lambda folder, _: HueRig(folder),
    "gpio": lambda _, __: GpioRig(),
    "usb": lambda _, __: UsbRig(),
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
}

CAN_HANG = ("hue", "gpio", "usb", "serial line", "serial wled")
"""Those that wait for their device; to the others it is told and that is all."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def around(tmp_path: Path, clock: ManualClock) -> Surroundings:
    return Surroundings("desk", tmp_path / "state", clock, FakeBus())


@pytest.fixture(params=RIGS)
async def rig(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    around: Surroundings,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Rig]:
    """Each kind in turn; its device has power."""
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")  # the rig has put its own pins there
    assert isinstance(around.bus, FakeBus)
    built = RIGS[request.param](tmp_path, around.bus)
    async with built.running(around):
        yield built
