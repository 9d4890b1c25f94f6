"""Devices write on, off and how bright in their own words and scales."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.contract.light import OFF, LightState
from drivers.mqtt_light.options import MqttOptions
from drivers.mqtt_light.words import effect_of, is_on, number, says_online
from tests.fakes.mqtt_light_devices import TasmotaLight
from tests.fakes.rows import rows
from tests.unit.drivers.mqtt_light.desk import DIM, GREEN, RED, Desk

TASMOTA = {"device": "tasmota", "topic": "tasmota_desk"}


@pytest.mark.parametrize("found_on", [True, False])
@pytest.mark.parametrize(
    "words",
    [("0", "1"), ("OFF", "ON"), ("off", "on"), ("false", "true"), (0, 1), (False, True)],
    ids=str,
)
async def test_tasmota_in_other_words_is_left_as_it_was_found(
    words: tuple[Any, Any], *, found_on: bool
) -> None:
    device = TasmotaLight(words=words, shows=(found_on, 255, (9, 9, 9)))
    desk = Desk(device, **TASMOTA)
    found = await desk.taken()
    for look in (RED, OFF, GREEN):
        await desk.light.apply(look)
        await desk.clock.advance(10)
        desk.tell_device()
        assert not await desk.light.changed_by_others()
    await desk.light.restore(json.loads(json.dumps(found)))
    assert device.shows == (found_on, 255, (9, 9, 9))
    assert "StateText1; StateText2" not in [payload for _, payload in desk.commands]


@pytest.mark.parametrize("found_on", [True, False])
@pytest.mark.parametrize("words", [("AUS", "AN"), ("éteint", "allumé"), ("-", "+")], ids=str)
async def test_words_that_people_chose_are_asked_for(
    words: tuple[str, str], *, found_on: bool
) -> None:
    device = TasmotaLight(words=words, shows=(found_on, 255, (9, 9, 9)))
    desk = Desk(device, **TASMOTA)
    found = await desk.taken()
    for look in (RED, OFF, GREEN):
        await desk.light.apply(look)
        await desk.clock.advance(10)
        desk.tell_device()
        assert not await desk.light.changed_by_others()
    device.shows = (False, 255, (9, 9, 9))
    desk.tell_device()
    assert await desk.light.changed_by_others()
    await desk.light.restore(json.loads(json.dumps(found)))
    assert device.shows == (found_on, 255, (9, 9, 9))


@pytest.mark.parametrize(
    ("options", "topic", "told"),
    [
        (TASMOTA, "stat/tasmota_desk/RESULT", {"POWER": "kaminfeuer", "Color": "010203"}),
        (
            {"device": "zigbee2mqtt", "topic": "z/desk"},
            "z/desk",
            {"state": "LOCK", "brightness": 3, "color": {"x": 0.1, "y": 0.2}},
        ),
        (
            {"device": "json", "topic": "j/set", "state_topic": "j"},
            "j",
            {"state": "fading", "brightness": 3},
        ),
    ],
    ids=["tasmota", "zigbee2mqtt", "json"],
)
async def test_a_word_that_nobody_knows_is_not_off_and_is_left_alone(
    options: dict[str, Any], topic: str, told: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(**options)
    desk.bus.tell(topic, json.dumps(told))
    found = await desk.taken()
    await desk.light.apply(RED)
    await desk.clock.advance(10)
    desk.bus.tell(topic, json.dumps(told))
    assert not await desk.light.changed_by_others()
    sent = len(desk.bus.published)
    with caplog.at_level(logging.WARNING):
        await desk.light.restore(found)
    assert len(desk.bus.published) == sent
    assert len(caplog.records) == 1
    assert "neither on nor off" in caplog.text


async def test_that_nobody_answers_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk(device="zigbee2mqtt", topic="z/desk")
    for _ in range(2):
        assert await desk.taken() == {}
    (record,) = caplog.records
    assert record.getMessage().startswith("z/desk/get is asked, and nobody answers")
    answered = Desk(device="zigbee2mqtt", topic="z/desk")
    await answered.taken("z/desk", '{"state": "ON"}')
    assert len(caplog.records) == 1


@rows(
    ("value", "on"),
    [
        ("ON", True), ("on", True), (" On ", True), ("true", True), ("1", True), (1, True),
        (True, True), (0.4, True), ("100", True),
        ("OFF", False), ("off", False), ("False", False), ("0", False), (0, False), (0.0, False),
        (False, False), ("0.0", False),
        ("LOCK", None), ("", None), (None, None), ([], None), ({}, None), ("nan", None),
    ],
)  # fmt: skip
def test_on_is_read_in_each_tongue(value: Any, on: bool | None) -> None:  # noqa: FBT001 - a value
    assert is_on(value) is on


def test_numbers_are_read_as_numbers_and_texts_and_nothing_else_is_one() -> None:
    assert [number(value) for value in (3, "3", "3.5", 3.5)] == [3, 3, 3.5, 3.5]
    others: list[Any] = [True, None, "x", "inf", [], 10**400]
    assert [number(value) for value in others] == [None] * len(others)


def test_the_word_for_there_may_be_a_number() -> None:
    assert says_online(b"1") is says_online(b"true") is says_online(b'"online"') is True
    assert says_online(b"0") is says_online(b"False") is False
    assert says_online(b"2") is None


def test_no_effect_has_many_names() -> None:
    for word in (None, "", "None", "none", "off", "stop_colorloop", "finish_effect", 7):
        assert effect_of(word) is None
    assert effect_of("Rainbow") == "Rainbow"


@pytest.mark.parametrize(
    ("scale", "brightness", "sent"),
    [(100, 0.6, 60), (255, 0.6, 153), (1, 0.6, 1), (1000, 0.6, 600), (65535, 1.0, 65535),
     (100, 0.004, 1), (10, 0.04, 1), (1, 1.0, 1)],
)  # fmt: skip
async def test_brightness_has_the_scale_of_the_device(
    scale: int, brightness: float, sent: int
) -> None:
    desk = Desk(device="json", topic="j", brightness_scale=scale)
    await desk.light.apply(LightState(color=(255, 255, 255), brightness=brightness))
    assert desk.commands[-1][1]["brightness"] == sent


@pytest.mark.parametrize("told", [60, 60.0, "60", "60.0", 59.6])
async def test_brightness_is_read_back_in_the_scale_of_the_device(told: Any) -> None:
    options = {"device": "json", "topic": "j/set", "state_topic": "j", "brightness_scale": 100}
    desk = Desk(**options)
    desk.bus.tell("j", json.dumps({"state": "ON", "brightness": told}))
    found = await desk.taken()
    await desk.light.apply(DIM)
    desk.bus.tell("j", json.dumps({"state": "ON", "brightness": 60}))
    await desk.clock.advance(10)
    desk.bus.tell("j", json.dumps({"state": "ON", "brightness": told}))
    assert not await desk.light.changed_by_others()
    desk.bus.tell("j", json.dumps({"state": "ON", "brightness": 54}))
    assert await desk.light.changed_by_others()
    await desk.light.restore(found)
    brightness = desk.commands[-1][1]["brightness"]
    assert brightness == pytest.approx(float(told))
    assert isinstance(brightness, int) is (told != 59.6)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"device": "json", "topic": "j", "brightness_scale": 0}, "greater than or equal to 1"),
        ({"device": "json", "topic": "j", "brightness_scale": 70000}, "less than or equal to"),
        ({"device": "zigbee2mqtt", "topic": "z/d", "brightness_scale": 100}, "one of their own"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MqttOptions.model_validate(options)
    assert text in str(caught.value)


async def test_a_tasmota_dimmer_may_send_its_level_as_text() -> None:
    desk = Desk(device="tasmota", topic="d", color=False)
    found = await desk.taken("stat/d/RESULT", '{"POWER":"ON","Dimmer":"40"}')
    await desk.light.apply(DIM)
    await desk.light.restore(found)
    assert [payload for _, payload in desk.commands] == ["60", "40"]
