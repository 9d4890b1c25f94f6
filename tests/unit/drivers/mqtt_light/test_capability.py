"""What a device can do: the options say it, else what it tells; it never gets what it has not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF
from drivers.base import Capability, Capable
from drivers.mqtt_light import tailored
from drivers.mqtt_light.options import MqttOptions
from tests.fakes.mqtt_light_devices import TasmotaLight, ZigbeeBulb
from tests.fakes.rows import rows
from tests.unit.drivers.mqtt_light.desk import DIM, Desk

COLOR, WHITE, ON_OFF = Capability.COLOR, Capability.WHITE, Capability.ON_OFF


@rows(
    ("options", "capability"),
    [
        ({"device": "zigbee2mqtt", "topic": "z/d"}, COLOR),
        ({"device": "zigbee2mqtt", "topic": "z/d", "color": False}, WHITE),
        ({"device": "zigbee2mqtt", "topic": "z/d", "dimmable": False}, ON_OFF),
        ({"device": "tasmota", "topic": "t", "dimmable": False}, ON_OFF),
        ({"device": "esphome", "topic": "n/light/l", "dimmable": False}, ON_OFF),
        ({"device": "json", "topic": "j", "dimmable": False}, ON_OFF),
        ({"device": "wled", "topic": "w"}, COLOR),
        ({"device": "template", "topic": "t", "payload": "{state}"}, ON_OFF),
        ({"device": "template", "topic": "t/{state}", "payload": "x"}, ON_OFF),
        ({"device": "template", "topic": "t", "payload": "1", "payload_off": "0"}, ON_OFF),
        ({"device": "template", "topic": "t", "payload": "{state} {percent}"}, WHITE),
        ({"device": "template", "topic": "t/{hex}", "payload": "{state}"}, COLOR),
    ],
)
def test_the_options_say_what_a_device_can_do(
    options: dict[str, Any], capability: Capability
) -> None:
    kind = tailored(MqttOptions.model_validate(options))
    assert kind.color_modes == {capability.value}


@pytest.mark.parametrize(
    ("made", "device", "capability", "payload"),
    [
        (ZigbeeBulb(), "zigbee2mqtt", COLOR, None),
        (ZigbeeBulb(features=("state", "brightness")), "zigbee2mqtt", WHITE,
         {"state": "ON", "brightness": 152}),
        (ZigbeeBulb(features=("state",)), "zigbee2mqtt", ON_OFF, {"state": "ON"}),
        (TasmotaLight(), "tasmota", COLOR, "#994D00"),
        (TasmotaLight(is_white=True), "tasmota", WHITE, "60"),
        (TasmotaLight(is_plug=True), "tasmota", ON_OFF, "ON"),
        (TasmotaLight(is_plug=True, words=("0", "1")), "tasmota", ON_OFF, "ON"),
    ],
)  # fmt: skip
async def test_a_device_that_can_do_less_is_found_out_and_left_as_it_was_found(
    made: Any, device: str, capability: Capability, payload: Any
) -> None:
    before = made.shows
    desk = Desk(
        made,
        device=device,
        topic=getattr(made, "topic", "tasmota_desk"),
    )
    assert isinstance(desk.light, Capable)
    assert await desk.within(3, desk.light.capability()) is capability
    found = await desk.taken()
    await desk.light.apply(DIM)
    assert made.shows[0]
    assert payload is None or desk.commands[-1][1] == payload
    await desk.light.apply(OFF)
    assert not made.shows[0]
    await desk.light.restore(found)
    assert made.shows == before


@pytest.mark.parametrize(
    ("told", "capability"),
    [
        ('{"state":"ON","color_mode":"onoff"}', ON_OFF),
        ('{"state":"ON","brightness":9,"color_mode":"brightness"}', WHITE),
        ('{"state":"ON","brightness":9,"color_mode":"rgb","color":{"r":1,"g":2,"b":3}}', COLOR),
        ('{"state":"ON","brightness":9,"color_mode":"white"}', COLOR),
        ('{"state":"ON"}', COLOR),
    ],
)
async def test_esphome_says_it_by_its_colour_mode(told: str, capability: Capability) -> None:
    desk = Desk(device="esphome", topic="n/light/l")
    desk.store("n/light/l/state", told)
    assert await desk.light.capability() is capability


async def test_a_device_that_reports_nothing_is_what_the_options_say() -> None:
    for color, capability in ((True, COLOR), (False, WHITE)):
        desk = Desk(device="zigbee2mqtt", topic="z/d", color=color)
        desk.store("z/d", '{"state":"ON"}')  # perhaps not all that it has
        assert await desk.within(1, desk.light.capability()) is capability


async def test_a_bulb_that_reports_its_colour_late_has_colours() -> None:
    desk = Desk(device="zigbee2mqtt", topic="z/d")
    asking = asyncio.create_task(desk.light.capability())
    for part in ('{"state":"ON"}', '{"state":"ON","brightness":1}'):
        await desk.clock.advance(0.9)
        desk.bus.tell("z/d", part)
        assert not asking.done()
    await desk.clock.advance(0.9)
    desk.bus.tell("z/d", '{"state":"ON","brightness":1,"color":{"x":0.1,"y":0.2}}')
    assert await asking is COLOR
    assert desk.clock.monotonic() < 3


async def test_who_reports_more_later_can_do_more() -> None:
    desk = Desk(device="zigbee2mqtt", topic="z/d")
    await desk.taken("z/d", '{"state":"ON","brightness":1}')
    await desk.light.apply(DIM)
    assert desk.commands[-1][1] == {"state": "ON", "brightness": 152}
    desk.bus.tell("z/d", '{"state":"ON","brightness":1,"color":{"x":0.1,"y":0.2}}')
    await desk.light.apply(DIM)
    assert "color" in desk.commands[-1][1]


async def test_a_device_that_is_away_reports_later_what_it_can_do() -> None:
    desk = Desk(device="zigbee2mqtt", topic="z/d")
    desk.bus.tell("z/d/availability", "offline")
    with pytest.raises(LightUnreachableError):
        await desk.light.capability()
