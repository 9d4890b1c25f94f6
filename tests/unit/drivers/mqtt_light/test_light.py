"""One light behind a bus: what it sends, when it is away, and what it notices."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF, LightState
from drivers.base import Restorable, Surroundings, Watchable
from drivers.mqtt_light import KIND
from drivers.mqtt_light.availability import ANSWER_S
from drivers.mqtt_light.dialects import dialect_of
from drivers.mqtt_light.light import SETTLE_S, WHOLE_EVERY_S, MqttLight
from drivers.mqtt_light.options import MqttOptions
from drivers.testing import FakeBus
from tests.fakes.clock import ManualClock
from tests.fakes.mqtt_light_devices import WledStrip, ZigbeeBulb

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
ZIGBEE = MqttOptions(device="zigbee2mqtt", topic="zigbee2mqtt/desk")
WLED = MqttOptions(device="wled", topic="wled/desk")


class Desk:
    """A light, its bus, its device and the time."""

    def __init__(self, bus: FakeBus, options: MqttOptions = ZIGBEE) -> None:
        self.bus, self.clock = bus, ManualClock()
        self.light = MqttLight(dialect_of(options), bus, self.clock)
        self.light.listen()

    def tell_bulb(self, device: ZigbeeBulb) -> None:
        for topic, payload, _ in device.told():
            self.bus.tell(topic, payload)


@pytest.fixture
def bulb() -> ZigbeeBulb:
    return ZigbeeBulb()


@pytest.fixture
def desk(bulb: ZigbeeBulb) -> Desk:
    desk = Desk(FakeBus(bulb))
    desk.bus.greet()
    return desk


async def test_a_look_is_shown_and_the_same_look_changes_nothing(
    desk: Desk, bulb: ZigbeeBulb
) -> None:
    await desk.light.apply(RED)
    await desk.light.apply(RED)
    assert bulb.shows == (True, 254, (255, 0, 0))
    await desk.light.apply(OFF)
    assert not bulb.shows[0]


async def test_opening_follows_the_device_and_sends_nothing(tmp_path: Path) -> None:
    bus = FakeBus()
    async with KIND.open(ZIGBEE, Surroundings("desk", tmp_path, ManualClock(), bus)) as light:
        assert isinstance(light, Restorable)
        assert isinstance(light, Watchable)
    assert bus.published == []
    assert bus.followed == {
        "zigbee2mqtt/desk",
        "zigbee2mqtt/desk/availability",
        "zigbee2mqtt/bridge/state",
    }


@pytest.mark.parametrize("topic", ["zigbee2mqtt/desk/availability", "zigbee2mqtt/bridge/state"])
async def test_a_device_that_is_away_is_unreachable_and_gets_the_newest_when_it_is_back(
    desk: Desk, bulb: ZigbeeBulb, topic: str
) -> None:
    await desk.light.apply(RED)
    desk.bus.tell(topic, '{"state":"offline"}')
    bulb.shows = (True, 254, (255, 255, 255))
    sent = len(desk.bus.published)
    with pytest.raises(LightUnreachableError, match=topic) as caught:
        await desk.light.apply(GREEN)
    assert caught.value.retry_after_s is not None
    assert len(desk.bus.published) == sent
    desk.bus.tell(topic, '{"state":"online"}')
    assert bulb.shows == (True, 254, (0, 255, 0))
    await desk.light.apply(GREEN)


async def test_a_bulb_that_had_no_power_gets_its_look_back(desk: Desk, bulb: ZigbeeBulb) -> None:
    await desk.light.apply(RED)
    desk.bus.tell("zigbee2mqtt/desk/availability", "offline")
    bulb.shows = (True, 254, (255, 255, 255))
    desk.bus.tell("zigbee2mqtt/desk/availability", "online")
    assert bulb.shows == (True, 254, (255, 0, 0))


async def test_nothing_waits_in_line_while_the_broker_is_away(desk: Desk) -> None:
    desk.bus.connected = False
    for call in (desk.light.apply(RED), desk.light.snapshot(), desk.light.restore({})):
        with pytest.raises(LightUnreachableError, match="broker") as caught:
            await call
        assert caught.value.retry_after_s == 1.0
    assert desk.bus.published == []


async def test_a_device_is_asked_once_for_its_state_and_put_back(
    desk: Desk, bulb: ZigbeeBulb
) -> None:
    before = bulb.shows
    found = await desk.light.snapshot()
    assert [message.topic for message in desk.bus.published] == ["zigbee2mqtt/desk/get"]
    assert await desk.light.snapshot() == found
    assert len(desk.bus.published) == 1
    await desk.light.apply(RED)
    assert bulb.shows != before
    await desk.light.restore(found)
    assert bulb.shows == before


async def test_a_device_that_does_not_answer_is_switched_off_in_the_end() -> None:
    desk = Desk(FakeBus())
    asking = asyncio.create_task(desk.light.snapshot())
    await desk.clock.advance(ANSWER_S - 0.01)
    assert not asking.done()
    await desk.clock.advance(0.01)
    found = await asking
    assert found == {}
    await desk.light.restore(found)
    assert desk.bus.published[-1].payload == b'{"state":"OFF"}'


async def test_a_light_without_a_state_topic_is_not_waited_for() -> None:
    desk = Desk(FakeBus(), MqttOptions(device="json", topic="any/set"))
    assert await desk.light.snapshot() == {}
    assert desk.clock.sleepers == 0


async def test_a_restored_light_is_not_repainted_when_it_comes_back(
    desk: Desk, bulb: ZigbeeBulb
) -> None:
    await desk.light.apply(RED)
    await desk.light.restore({"state": "OFF"})
    desk.bus.tell("zigbee2mqtt/desk/availability", "offline")
    desk.bus.tell("zigbee2mqtt/desk/availability", "online")
    assert not bulb.shows[0]


async def test_the_answers_to_a_command_are_no_change_by_others(
    desk: Desk, bulb: ZigbeeBulb
) -> None:
    await desk.light.apply(RED)
    for fading in (60, 200):
        bulb.shows = (True, fading, (200, 90, 0))
        await desk.clock.advance(SETTLE_S / 3)
        desk.tell_bulb(bulb)
        assert not await desk.light.changed_by_others()
    await desk.clock.advance(SETTLE_S)
    bulb.shows = (True, 198, (204, 90, 0))
    desk.tell_bulb(bulb)
    assert not await desk.light.changed_by_others()


@pytest.mark.parametrize(
    "shows",
    [(False, 254, (255, 0, 0)), (True, 60, (255, 0, 0)), (True, 254, (0, 255, 0))],
    ids=["a wall switch", "another brightness", "another colour"],
)
async def test_a_change_by_others_is_noticed_until_the_next_look(
    desk: Desk, bulb: ZigbeeBulb, shows: tuple[bool, int, tuple[int, int, int]]
) -> None:
    await desk.light.apply(RED)
    await desk.clock.advance(SETTLE_S)
    bulb.shows = shows
    desk.tell_bulb(bulb)
    assert await desk.light.changed_by_others()
    desk.bus.tell("zigbee2mqtt/desk/availability", "offline")
    desk.bus.tell("zigbee2mqtt/desk/availability", "online")
    assert bulb.shows == shows
    await desk.light.apply(GREEN)
    assert not await desk.light.changed_by_others()


async def test_a_late_first_answer_counts_as_ours_unless_it_is_dark(bulb: ZigbeeBulb) -> None:
    desk = Desk(FakeBus())
    await desk.light.apply(RED)
    await desk.clock.advance(SETTLE_S)
    desk.tell_bulb(bulb)
    assert not await desk.light.changed_by_others()
    await desk.light.apply(GREEN)
    await desk.clock.advance(SETTLE_S)
    bulb.shows = (False, 1, (0, 0, 0))
    desk.tell_bulb(bulb)
    assert await desk.light.changed_by_others()


async def test_a_message_with_a_part_leaves_the_rest_known() -> None:
    desk = Desk(FakeBus(), MqttOptions(device="tasmota", topic="t"))
    desk.bus.tell("stat/t/RESULT", '{"POWER":"ON","Dimmer":100,"Color":"0000FF"}')
    desk.bus.tell("stat/t/RESULT", '{"POWER":"OFF"}')
    assert await desk.light.snapshot() == {"POWER": "OFF", "Dimmer": 100, "Color": "0000FF"}


async def test_what_cannot_be_read_is_dropped(desk: Desk) -> None:
    await desk.light.apply(RED)
    await desk.clock.advance(SETTLE_S)
    for payload in (b"\xff", b"[]", b'{"action":"on"}', b'{"linkquality":3}'):
        desk.bus.tell("zigbee2mqtt/desk", payload)
    desk.bus.tell("zigbee2mqtt/desk/availability", b"perhaps")
    assert not await desk.light.changed_by_others()
    await desk.light.apply(GREEN)


async def test_a_stored_state_is_found_although_the_device_cannot_be_asked() -> None:
    strip = WledStrip()
    desk = Desk(FakeBus(strip), WLED)
    reading = asyncio.create_task(desk.light.snapshot())
    await desk.clock.settle()
    desk.bus.greet()
    await desk.clock.settle()
    found = await reading
    await desk.light.apply(RED)
    await desk.light.restore(found)
    assert strip.shows == (True, 40, (255, 160, 0))
    assert desk.clock.monotonic() == 0


async def test_a_device_that_says_offline_is_away_without_a_new_look(desk: Desk) -> None:
    await desk.light.apply(RED)
    desk.bus.tell("zigbee2mqtt/desk/availability", "offline")
    with pytest.raises(LightUnreachableError, match="offline"):
        await desk.light.changed_by_others()
    desk.bus.connected = False  # nothing is known of it, and the broker has its own line
    assert not await desk.light.changed_by_others()


async def test_a_frame_says_to_zigbee_only_what_changes(desk: Desk) -> None:
    await desk.light.apply(RED)
    dim = RED.model_copy(update={"brightness": 0.15})
    await desk.light.fade(dim, 1.0)
    await desk.light.fade(OFF, 0.0)
    await desk.clock.advance(WHOLE_EVERY_S)
    await desk.light.fade(dim, 1.0)
    assert [json.loads(message.payload) for message in desk.bus.published] == [
        {"state": "ON", "brightness": 254, "color": {"r": 255, "g": 0, "b": 0}},
        {"state": "ON", "brightness": 38, "transition": 1.0},
        {"state": "OFF", "transition": 0.0},
        {"state": "ON", "brightness": 38, "color": {"r": 255, "g": 0, "b": 0}, "transition": 1.0},
    ]


async def test_a_device_that_lost_its_power_in_an_animation_gets_everything(
    desk: Desk, bulb: ZigbeeBulb
) -> None:
    await desk.light.apply(RED)
    await desk.light.fade(RED.model_copy(update={"brightness": 0.5}), 1.0)
    desk.bus.tell("zigbee2mqtt/desk/availability", "offline")
    bulb.shows = (True, 254, (255, 255, 255))
    desk.bus.tell("zigbee2mqtt/desk/availability", "online")
    assert bulb.shows == (True, 127, (255, 0, 0))


@pytest.mark.parametrize(
    ("change", "noticed"),
    [
        ((False, 254, (255, 0, 0)), True),
        ((True, 254, (0, 255, 0)), True),
        ((True, 10, (255, 0, 0)), True),
        ((True, 180, (255, 0, 0)), False),
        ((True, 254, (252, 2, 0)), False),
    ],
    ids=["switched off", "another colour", "dimmer than it ever is", "on its way", "rounded"],
)
async def test_others_are_noticed_in_the_middle_of_an_animation(
    desk: Desk,
    bulb: ZigbeeBulb,
    change: tuple[bool, int, tuple[int, int, int]],
    *,
    noticed: bool,
) -> None:
    await desk.light.apply(RED)
    for level in (0.5, 1.0, 0.5, 1.0):
        await desk.clock.advance(SETTLE_S / 2)
        assert not await desk.light.changed_by_others()
        await desk.light.fade(RED.model_copy(update={"brightness": level}), 1.0)
    bulb.shows = change
    desk.tell_bulb(bulb)
    assert await desk.light.changed_by_others() is noticed


async def test_a_late_word_about_the_frame_before_is_no_change_by_others() -> None:
    desk = Desk(FakeBus())
    dark, lit = (
        ZigbeeBulb(shows=(False, 254, (255, 0, 0))),
        ZigbeeBulb(shows=(True, 254, (255, 0, 0))),
    )
    await desk.light.apply(RED)
    for state, late, own in ((OFF, lit, dark), (RED, dark, lit)) * 4:
        await desk.clock.advance(1)
        assert not await desk.light.changed_by_others()
        await desk.light.fade(state, 0.0)
        desk.tell_bulb(late)
        desk.tell_bulb(own)
    assert not await desk.light.changed_by_others()
