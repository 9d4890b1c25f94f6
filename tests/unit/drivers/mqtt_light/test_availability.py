"""Whether a device is there: what is stored may be old, what it tells now is true."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from drivers.mqtt_light.availability import ANSWER_S, Reach
from drivers.testing import FakeBus, ManualClock
from tests.fakes.mqtt_light_devices import TasmotaLight, ZigbeeBulb
from tests.unit.drivers.mqtt_light.desk import GREEN, RED, Desk

FAMILIES: list[tuple[dict[str, Any], str, str, str, str]] = [
    (
        {"device": "tasmota", "topic": "desk"},
        "tele/desk/LWT",
        "Offline",
        "tele/desk/STATE",
        '{"POWER":"OFF"}',
    ),
    (
        {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/desk"},
        "zigbee2mqtt/desk/availability",
        '{"state":"offline"}',
        "zigbee2mqtt/desk",
        '{"linkquality":9}',
    ),
    (
        {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/desk"},
        "zigbee2mqtt/bridge/state",
        "offline",
        "zigbee2mqtt/desk",
        '{"state":"ON"}',
    ),
    (
        {"device": "esphome", "topic": "desk/light/lamp"},
        "desk/status",
        "offline",
        "desk/light/lamp/state",
        '{"state":"ON"}',
    ),
    ({"device": "wled", "topic": "wled/desk"}, "wled/desk/status", "offline", "wled/desk/v", "<x>"),
    (
        {
            "device": "json",
            "topic": "j/set",
            "state_topic": "j",
            "availability_topic": "j/there",
        },
        "j/there",
        "0",
        "j",
        '{"state":"ON"}',
    ),
]
IDS = [f"{options['device']} {topic}" for options, topic, *_ in FAMILIES]


@pytest.mark.parametrize(("options", "topic", "offline", "state_topic", "state"), FAMILIES, ids=IDS)
async def test_a_stored_offline_weighs_less_than_what_the_device_sends(
    options: dict[str, Any], topic: str, offline: str, state_topic: str, state: str
) -> None:
    desk = Desk(**options)
    desk.store(topic, offline)
    desk.bus.tell(state_topic, state)
    await desk.light.apply(RED)
    await desk.light.apply(GREEN)
    assert len(desk.commands) == 2
    assert not await desk.light.changed_by_others()


@pytest.mark.parametrize(("options", "topic", "offline", "state_topic", "state"), FAMILIES, ids=IDS)
async def test_a_live_offline_counts_until_the_device_sends_something(
    options: dict[str, Any], topic: str, offline: str, state_topic: str, state: str
) -> None:
    desk = Desk(**options)
    desk.bus.tell(topic, offline)
    desk.bus.tell(state_topic, state, stored=True)
    for call in (desk.light.apply(RED), desk.light.snapshot(), desk.light.changed_by_others()):
        with pytest.raises(LightUnreachableError, match=topic):
            await call
    assert desk.bus.published == []
    desk.bus.tell(state_topic, state)
    await desk.light.apply(RED)
    assert desk.commands


@pytest.mark.parametrize(("options", "topic", "offline", "state_topic", "state"), FAMILIES, ids=IDS)
async def test_one_that_is_truly_away_is_tried_once_a_minute(
    options: dict[str, Any], topic: str, offline: str, state_topic: str, state: str
) -> None:
    desk = Desk(**options)
    desk.store(topic, offline)
    for _ in range(36):  # 3 minutes, every 5 s
        with pytest.raises(LightUnreachableError, match=topic) as caught:
            await desk.within(ANSWER_S, desk.light.apply(RED))
        assert caught.value.retry_after_s == 5
        await desk.clock.advance(5 - ANSWER_S)
    assert len(desk.commands) == 3
    desk.bus.tell(state_topic, state)
    await desk.light.apply(RED)


async def test_the_answer_to_a_try_is_enough() -> None:
    for device, options in (
        (TasmotaLight(online=b"Offline"), {"device": "tasmota", "topic": "tasmota_desk"}),
        (ZigbeeBulb(), {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/desk"}),
    ):
        desk = Desk(device, **options)
        desk.store("tele/tasmota_desk/LWT", "Offline")
        desk.store("zigbee2mqtt/desk/availability", "offline")
        before = device.shows
        found = await desk.taken()
        await desk.light.apply(RED)
        assert device.shows[2] == (255, 0, 0)
        await desk.light.restore(found)
        assert device.shows == before


async def test_a_new_look_is_tried_at_once() -> None:
    desk = Desk(device="tasmota", topic="desk")
    desk.store("tele/desk/LWT", "Offline")
    for look in (RED, GREEN, RED):
        with pytest.raises(LightUnreachableError):
            await desk.within(ANSWER_S, desk.light.apply(look))
    assert [value for _, value in desk.commands] == ["#FF0000", "#00FF00", "#FF0000"]


async def test_an_old_will_after_a_reconnect_is_asked_about_and_changes_nothing() -> None:
    device = TasmotaLight()
    desk = Desk(device, device="tasmota", topic="tasmota_desk")
    await desk.light.apply(RED)
    sent = len(desk.commands)
    desk.store("tele/tasmota_desk/LWT", "Offline")
    assert not await desk.light.changed_by_others()
    assert len(desk.commands) == sent
    desk.bus.device = None
    desk.store("tele/tasmota_desk/LWT", "Offline")
    for _ in range(2):
        with pytest.raises(LightUnreachableError, match="LWT"):
            await desk.within(ANSWER_S, desk.light.changed_by_others())


async def test_one_that_was_away_at_the_start_is_left_as_it_came_back() -> None:
    device = TasmotaLight(online=b"Online", shows=(True, 255, (9, 8, 7)))
    desk = Desk(None, device="tasmota", topic="tasmota_desk")
    desk.store("tele/tasmota_desk/LWT", "Offline")
    found = await desk.taken()
    assert found == {}
    with pytest.raises(LightUnreachableError):
        await desk.within(ANSWER_S, desk.light.apply(RED))
    await desk.clock.advance(60)
    desk.bus.device = desk.device = device
    desk.bus.tell("tele/tasmota_desk/LWT", "Online")
    await desk.light.apply(RED)
    assert device.shows[2] == (255, 0, 0)
    await desk.light.restore(found)
    assert device.shows == (True, 255, (9, 8, 7))


@pytest.mark.parametrize(
    "words", [("offline", "online"), ('{"state":"offline"}', '{"state":"online"}')]
)
@pytest.mark.parametrize(
    ("topic", "bridge"),
    [
        ("home/zigbee/desk", "home/zigbee/bridge/state"),
        ("home/zigbee/kitchen/desk", "home/zigbee/bridge/state"),
        ("home/desk", "home/bridge/state"),
        ("a/b/c/d/desk", "a/b/c/bridge/state"),
    ],
)
async def test_a_base_topic_may_hold_slashes_and_so_may_a_name(
    topic: str, bridge: str, words: tuple[str, str]
) -> None:
    device = ZigbeeBulb(topic=topic)
    desk = Desk(device, device="zigbee2mqtt", topic=topic)
    await desk.light.apply(RED)
    desk.bus.tell(bridge, words[0])
    device.shows = (True, 254, (255, 255, 255))
    with pytest.raises(LightUnreachableError, match=bridge):
        await desk.light.apply(GREEN)
    desk.bus.tell(bridge, words[1])
    assert device.shows == (True, 254, (0, 255, 0))


def test_of_several_bridges_in_the_folders_of_a_device_the_nearest_counts() -> None:
    bridges = ("home/zigbee/bridge/state", "home/bridge/state")
    reach = Reach(bridges, FakeBus(), ManualClock())
    heard = [
        ("home/bridge/state", False, "home/bridge/state"),
        ("home/zigbee/bridge/state", True, None),
        ("home/bridge/state", False, None),
    ]
    for topic, online, away in heard:
        reach.receive(topic, online=online, stored=False)
        assert reach.away == away


@pytest.mark.parametrize(
    ("topic", "full"),
    [
        ("tasmota/desk/%prefix%", "tasmota/desk/%prefix%"),
        ("tasmota/desk/%prefix%/", "tasmota/desk/%prefix%"),
        ("%prefix%/tasmota/desk", "%prefix%/tasmota/desk"),
        ("home/room/desk", "%prefix%/home/room/desk"),
    ],
)
async def test_a_full_topic_may_have_any_order(topic: str, full: str) -> None:
    device = TasmotaLight(full_topic=full)
    desk = Desk(device, device="tasmota", topic=topic)
    will = f"{full.replace('%prefix%', 'tele')}/LWT"
    await desk.light.apply(RED)
    desk.bus.tell(will, "Offline")
    device.shows = (True, 255, (1, 1, 1))
    with pytest.raises(LightUnreachableError, match=will):
        await desk.light.apply(GREEN)
    desk.bus.tell(will, "Online")
    assert device.shows == (True, 255, (0, 255, 0))
