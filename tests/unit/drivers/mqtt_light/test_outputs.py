"""A device of several outputs: a person says which one is the light, and only that is touched."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bridge.contract.errors import LightRefusedError
from bridge.contract.light import OFF
from drivers.base import Capability
from drivers.mqtt_light.options import MqttOptions
from tests.fakes.mqtt_light_devices import TasmotaLight, ZigbeeBulb
from tests.fakes.rows import rows
from tests.unit.drivers.mqtt_light.desk import DIM, GREEN, RED, Desk


async def test_tasmota_with_a_socket_and_a_light_is_refused_until_the_number_is_set() -> None:
    device = TasmotaLight(sockets=[True], shows=(True, 255, (5, 6, 7)))
    desk = Desk(device, device="tasmota", topic="tasmota_desk")
    for call in (desk.light.capability(), desk.light.snapshot(), desk.light.apply(OFF)):
        with pytest.raises(LightRefusedError, match=r"1, 2\. .*output = 2"):
            await call
    assert desk.commands == []

    desk = Desk(device, device="tasmota", topic="tasmota_desk", output=2)
    found = await desk.taken()
    await desk.light.apply(RED)
    assert device.shows == (True, 255, (255, 0, 0))
    await desk.light.apply(OFF)
    assert desk.commands[-1] == ("cmnd/tasmota_desk/Power2", "OFF")
    await desk.light.restore(found)
    assert device.shows == (True, 255, (5, 6, 7))
    assert device.sockets == [True]
    topics = {topic for topic, _ in desk.commands}
    assert topics <= {f"cmnd/tasmota_desk/{name}" for name in ("Power2", "Color1", "Backlog")}


async def test_a_hint_comes_also_when_the_numbers_come_one_by_one() -> None:
    desk = Desk(device="tasmota", topic="desk")
    desk.bus.tell("stat/desk/RESULT", '{"POWER2":"ON"}')
    with pytest.raises(LightRefusedError, match="output = 2"):
        await desk.light.apply(OFF)
    assert desk.commands == []


async def test_an_output_that_shows_up_later_is_not_switched_when_the_device_comes_back() -> None:
    desk = Desk(device="tasmota", topic="desk")
    await desk.taken("stat/desk/RESULT", '{"POWER":"ON","Color":"000000"}')
    await desk.light.apply(OFF)
    desk.bus.tell("stat/desk/RESULT", '{"POWER2":"ON"}')
    desk.bus.tell("tele/desk/LWT", "Offline")
    desk.bus.tell("tele/desk/LWT", "Online")
    with pytest.raises(LightRefusedError):
        await desk.light.fade(RED, 1)
    assert desk.commands == [("cmnd/desk/Power", "OFF")]


async def test_the_socket_of_a_light_is_only_switched() -> None:
    device = TasmotaLight(sockets=[True, False])
    desk = Desk(device, device="tasmota", topic="tasmota_desk", output=1)
    found = await desk.taken()
    assert await desk.light.capability() is Capability.ON_OFF
    await desk.light.apply(OFF)
    await desk.light.apply(RED)
    await desk.light.apply(OFF)
    assert device.sockets == [False, False]
    await desk.light.restore(found)
    assert device.sockets == [True, False]
    assert {topic for topic, _ in desk.commands} == {"cmnd/tasmota_desk/Power1"}


async def test_an_output_that_the_device_has_not_is_refused() -> None:
    device = TasmotaLight(sockets=[True])
    desk = Desk(device, device="tasmota", topic="tasmota_desk", output=3)
    with pytest.raises(LightRefusedError, match=r"outputs 1, 2\. .*output = 2"):
        await desk.light.capability()
    assert desk.commands == []
    desk = Desk(device="zigbee2mqtt", topic="z/desk", output="rigth")
    with pytest.raises(LightRefusedError, match='"left", "right"'):
        await desk.taken("z/desk", '{"state_left":"ON","state_right":"OFF","brightness_left":9}')
    assert desk.commands == []


async def test_each_channel_of_a_dimmer_may_be_an_output() -> None:
    desk = Desk(device="tasmota", topic="d", output=2)
    told = '{"POWER1":"ON","Channel1":10,"POWER2":"ON","Channel2":40,"Color":"1A66"}'
    found = await desk.taken("stat/d/RESULT", told)
    assert await desk.light.capability() is Capability.WHITE
    for look in (DIM, OFF):
        await desk.light.apply(look)
    await desk.light.restore(found)
    assert desk.commands == [
        ("cmnd/d/Channel2", "60"),
        ("cmnd/d/Power2", "OFF"),
        ("cmnd/d/Channel2", "40"),
    ]


@pytest.mark.parametrize(
    ("output", "lit"),
    [
        (None, ("cmnd/d/Color1", "#994D00")),
        (1, ("cmnd/d/Color1", "#994D00")),
        (2, ("cmnd/d/Dimmer2", "60")),
    ],
)
async def test_colours_and_white_of_one_bulb_are_two_outputs(
    output: int | None, lit: tuple[str, str]
) -> None:
    options = {} if output is None else {"output": output}
    desk = Desk(device="tasmota", topic="d", **options)
    told = '{"POWER1":"OFF","Dimmer1":9,"POWER2":"OFF","Dimmer2":7,"Color":"00000012"}'
    await desk.taken("stat/d/RESULT", told)
    await desk.light.apply(DIM)
    assert desk.commands == [lit]


@pytest.mark.parametrize(
    ("name", "output"), [("l2", 2), ("l2", "l2"), ("right", "right"), ("1", "1")]
)
async def test_an_endpoint_of_zigbee2mqtt_is_an_output(name: str, output: int | str) -> None:
    others = {"state_left": "ON", "brightness_left": 9}
    device = ZigbeeBulb(output=name, others=others, shows=(True, 33, (1, 2, 3)))
    desk = Desk(device, device="zigbee2mqtt", topic=device.topic)
    with pytest.raises(LightRefusedError, match=f'output = "({name}|left)"'):
        await desk.light.snapshot()
    with pytest.raises(LightRefusedError):
        await desk.light.apply(OFF)
    assert desk.commands == []

    desk = Desk(device, device="zigbee2mqtt", topic=device.topic, output=output, transition=1)
    found = await desk.taken()
    assert await desk.light.capability() is Capability.COLOR
    await desk.light.apply(GREEN)
    assert device.shows == (True, 254, (0, 255, 0))
    await desk.light.apply(OFF)
    assert desk.commands[-1][1] == {f"state_{name}": "OFF", "transition": 1}
    await desk.light.restore(found)
    assert device.shows == (True, 33, (1, 2, 3))


async def test_a_segment_of_wled_is_an_output() -> None:
    desk = Desk(device="wled", topic="w", output=0)
    desk.bus.tell("w/v", "<vs><ac>40</ac><cl>1</cl><cl>2</cl><cl>3</cl><ps>4</ps></vs>")
    found = await desk.taken()
    for look in (DIM, OFF):
        await desk.light.apply(look)
    await desk.light.restore(found)
    (_, lit), (_, dark), (_, left) = desk.commands
    assert (lit["seg"]["id"], lit["seg"]["bri"], lit["seg"]["on"]) == (0, 153, True)
    assert set(lit) == {"on", "seg"}
    assert dark == left == {"seg": {"id": 0, "on": False}}
    assert not await desk.light.changed_by_others()


async def test_a_strip_that_was_dark_is_dark_after_its_segment() -> None:
    desk = Desk(device="wled", topic="w", output=2)
    desk.bus.tell("w/v", "<vs><ac>0</ac><cl>1</cl><cl>2</cl><cl>3</cl></vs>")
    found = await desk.taken()
    await desk.light.apply(RED)
    await desk.light.restore(found)
    assert desk.commands[-1][1] == {"on": False, "seg": {"id": 2, "on": False}}


@rows(
    ("options", "text"),
    [
        ({"device": "esphome", "topic": "n/light/l", "output": 2}, "a topic of its own"),
        ({"device": "json", "topic": "j", "output": 2}, "a topic of its own"),
        ({"device": "template", "topic": "t", "payload": "x", "output": 2}, "output is only for"),
        ({"device": "tasmota", "topic": "t", "output": "l2"}, "must be a number"),
        ({"device": "tasmota", "topic": "t", "output": 0}, "the first one is 1"),
        ({"device": "zigbee2mqtt", "topic": "z/d", "output": "l 2"}, "output"),
        ({"device": "wled", "topic": "w", "output": 1, "presets": {"red": 1}}, "all segments"),
        ({"device": "tasmota", "topic": "%prefix%/%topic%"}, "instead of %topic%"),
    ],
)
def test_an_output_that_cannot_be_is_refused_with_the_reason(
    options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        MqttOptions.model_validate(options)
    assert text in str(caught.value)
