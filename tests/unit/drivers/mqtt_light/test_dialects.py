"""Commands and states of each family of devices, byte for byte where a device would care."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge.contract.errors import ContractError
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Words
from drivers.looks.template import fill, values
from drivers.mqtt_light import KIND, tailored
from drivers.mqtt_light.dialect import Dialect, Frame, Seen
from drivers.mqtt_light.dialects import dialect_of
from drivers.mqtt_light.options import MqttOptions
from drivers.mqtt_light.template import Template
from drivers.mqtt_light.wled import preset_key
from drivers.mqtt_light.words import says_online
from tests.fakes.mqtt_light_devices import (
    Device,
    EspHomeLight,
    TasmotaLight,
    WledStrip,
    ZigbeeBulb,
)
from tests.fakes.rows import rows

RED = LightState(color=(255, 0, 0))
DIM = LightState(color=(255, 128, 0), brightness=0.5)
PULSE = LightState(color=(255, 0, 0), effect=Effect.PULSE, period_s=3)
BLINK = LightState(color=(0, 0, 255), effect=Effect.BLINK, period_s=2)
DEVICES: list[tuple[type[Any], dict[str, Any]]] = [
    (ZigbeeBulb, {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/desk"}),
    (EspHomeLight, {"device": "esphome", "topic": "desk/light/lamp"}),
    (TasmotaLight, {"device": "tasmota", "topic": "tasmota_desk"}),
    (WledStrip, {"device": "wled", "topic": "wled/desk"}),
]


def dialect(**options: Any) -> Dialect:
    return dialect_of(MqttOptions.model_validate(options))


def sent(state: LightState, **options: Any) -> tuple[str, Any]:
    message = dialect(**options).show(state)
    assert not message.retain
    text = message.payload.decode()
    return message.topic, json.loads(text) if text.startswith("{") else text


@rows(
    ("state", "options", "topic", "payload"),
    [
        (
            DIM,
            {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/desk", "transition": 0.5},
            "zigbee2mqtt/desk/set",
            {
                "state": "ON",
                "brightness": 127,
                "color": {"r": 255, "g": 128, "b": 0},
                "transition": 0.5,
            },
        ),
        (
            DIM,
            {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/white", "color": False},
            "zigbee2mqtt/white/set",
            {"state": "ON", "brightness": 127},
        ),
        (
            OFF,
            {"device": "esphome", "topic": "desk/light/lamp"},
            "desk/light/lamp/command",
            {"state": "OFF"},
        ),
        (
            LightState(brightness=0.001, color=(255, 255, 255)),
            {"device": "json", "topic": "any/set"},
            "any/set",
            {"state": "OFF"},
        ),
        (DIM, {"device": "tasmota", "topic": "t"}, "cmnd/t/Color1", "#804000"),
        (DIM, {"device": "tasmota", "topic": "t", "color": False}, "cmnd/t/Dimmer", "50"),
        (OFF, {"device": "tasmota", "topic": "home/%prefix%/t"}, "home/cmnd/t/Power", "OFF"),
        (
            RED,
            {"device": "wled", "topic": "wled/desk", "transition": 0.3},
            "wled/desk/api",
            {
                "on": True,
                "bri": 255,
                "tt": 3,
                "nl": {"on": False},
                "seg": {
                    "on": True,
                    "frz": False,
                    "col": [[255, 0, 0], [0, 0, 0], [0, 0, 0]],
                    "fx": 0,
                    "sx": 128,
                    "ix": 128,
                    "pal": 0,
                },
            },
        ),
        (OFF, {"device": "wled", "topic": "wled/desk"}, "wled/desk/api", {"on": False}),
        (
            RED,
            {"device": "wled", "topic": "w", "presets": {"red": 1, "red pulse": 2, "off": 3}},
            "w/api",
            {"on": True, "ps": 1},
        ),
        (
            PULSE,
            {"device": "wled", "topic": "w", "presets": {"red": 1, "#f00 pulse": 2, "off": 3}},
            "w/api",
            {"on": True, "ps": 2},
        ),
        (
            OFF,
            {"device": "wled", "topic": "w", "presets": {"off": 3}},
            "w/api",
            {"on": True, "ps": 3},
        ),
        (
            DIM,
            {
                "device": "template",
                "topic": "rgb/{state}",
                "payload": '{"c":"#{hex}","v":[{red},{green},{blue}],"p":{percent}}',
            },
            "rgb/ON",
            {"c": "#804000", "v": [255, 128, 0], "p": 50},
        ),
        (
            OFF,
            {"device": "template", "topic": "t", "payload": "{r},{g},{b}", "payload_off": "dark"},
            "t",
            "dark",
        ),
        (OFF, {"device": "template", "topic": "t", "payload": "{r} {brightness}"}, "t", "0 0"),
    ],
)
def test_a_look_becomes_the_command_of_the_device(
    state: LightState, options: dict[str, Any], topic: str, payload: Any
) -> None:
    assert sent(state, **options) == (topic, payload)


@pytest.mark.parametrize(("made", "options"), DEVICES)
@given(
    color=st.tuples(*[st.integers(0, 255)] * 3),
    brightness=st.floats(0, 1),
    period_s=st.floats(0.2, 60),
    effect=st.sampled_from(Effect),
)
def test_every_look_is_a_command_that_the_device_takes(  # noqa: PLR0917 - hypothesis fills them
    made: type[Any],
    options: dict[str, Any],
    color: tuple[int, int, int],
    brightness: float,
    period_s: float,
    effect: Effect,
) -> None:
    device: Device = made()
    state = LightState(color=color, brightness=brightness, period_s=period_s, effect=effect)
    message = dialect(**options).show(state)
    device.receive(message.topic, message.payload)
    assert device.shows[0] is any(state.rgb)


@pytest.mark.parametrize(("made", "options"), DEVICES)
def test_what_a_device_reported_is_brought_back(made: type[Any], options: dict[str, Any]) -> None:
    device: Device = made()
    speaks = dialect(**options)
    before = device.shows
    assert speaks.state_topics
    told = speaks.read(_told(device))
    for state in (RED, OFF):
        message = speaks.show(state)
        device.receive(message.topic, message.payload)
    assert device.shows != before or not before[0]
    back = speaks.put_back(json.loads(json.dumps(told)))
    assert back
    device.receive(back.topic, back.payload)
    assert device.shows == before
    dark = speaks.put_back({})
    assert dark
    device.receive(dark.topic, dark.payload)
    assert not device.shows[0]


def test_what_another_program_started_does_not_play_on_under_our_look() -> None:
    light = EspHomeLight(effect="Rainbow")
    light.receive("desk/light/lamp/command", dialect(**DEVICES[1][1]).show(RED).payload)
    assert light.effect == "None"
    strip = WledStrip(effect=9, preset=2, segment_is_on=False)
    strip.receive("wled/desk/api", dialect(**DEVICES[3][1]).show(RED).payload)
    assert (strip.effect, strip.preset, strip.segment_is_on) == (0, 0, True)


def test_the_name_of_a_strip_is_not_taken_for_its_state() -> None:
    told = dialect(device="wled", topic="wled/desk").read(_told(WledStrip(effect=3)))
    assert told["fx"] == 3


def test_tasmota_may_number_its_relays() -> None:
    speaks = dialect(device="tasmota", topic="t")
    assert speaks.read(b'{"POWER1":"ON","Wifi":{}}') == {"POWER": "ON"}


def _told(device: Any) -> bytes:
    payload = device.told()[0][1]
    assert isinstance(payload, bytes)
    return payload


@pytest.mark.parametrize(
    ("options", "told", "payload"),
    [
        (
            {"device": "json", "topic": "j"},
            {"state": "ON", "brightness": 9, "color_mode": "color_temp", "color_temp": 300,
             "color": {"r": 1, "g": 2, "b": 3}, "effect": "rainbow"},
            {"state": "ON", "brightness": 9, "color_temp": 300, "effect": "rainbow"},
        ),
        ({"device": "tasmota", "topic": "t"}, {"POWER": "ON", "Dimmer": 40}, "40"),
        ({"device": "tasmota", "topic": "t"}, {"POWER": "ON", "Color": "1,2,3"}, "1,2,3"),
        ({"device": "tasmota", "topic": "t"}, {"POWER": "ON"}, "ON"),
        (
            {"device": "wled", "topic": "w"},
            {"ac": 9, "col": [1, 2, 3], "wv": 4, "fx": 7, "fp": 5, "ps": 0},
            {"on": True, "bri": 9, "seg": {"col": [[1, 2, 3, 4]], "fx": 7, "pal": 5}},
        ),
        (
            {"device": "wled", "topic": "w"},
            {"ac": 9, "col": [1, 2, 3], "ps": 6},
            {"on": True, "ps": 6},
        ),
    ],
)  # fmt: skip
def test_white_effects_and_presets_are_brought_back_too(
    options: dict[str, Any], told: dict[str, Any], payload: Any
) -> None:
    back = dialect(**options).put_back(told)
    assert back
    text = back.payload.decode()
    assert (json.loads(text) if text.startswith("{") else text) == payload


@pytest.mark.parametrize(
    ("options", "payload"),
    [
        ({"device": "zigbee2mqtt", "topic": "z/d"}, b"\xff"),
        ({"device": "json", "topic": "j"}, b"[]"),
        ({"device": "tasmota", "topic": "t"}, b"OK"),
        ({"device": "wled", "topic": "w"}, b"<vs><ac>9</ac></vs>"),
        ({"device": "wled", "topic": "w"}, b"<vs><ac>many</ac><cl>1</cl></vs>"),
    ],
)
def test_what_is_no_state_is_refused(options: dict[str, Any], payload: bytes) -> None:
    with pytest.raises(ContractError):
        dialect(**options).read(payload)


def test_a_template_has_no_state_to_read() -> None:
    listens = dialect(device="template", topic="t", payload="")
    assert not listens.state_topics
    assert not listens.read(b'{"state": "ON"}')


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"state": 7, "color": "red", "brightness": "high", "color_temp": []},
        {"state": "ON", "color": {"r": None, "g": 1}},
        {"POWER": 1, "Color": "zz", "Dimmer": None},
        {"POWER": [], "StateText1": {}, "Scheme": "x", "Color": [1]},
        {"POWER": "an", "StateText2": "an", "Scheme": True, "Channel2": None, "Dimmer2": "x"},
        {"state": True, "effect": [], "brightness": "1e999", "color_mode": {}, "color": {"x": "y"}},
    ],
)
def test_a_state_with_strange_values_is_compared_and_put_back_without_failing(
    told: dict[str, Any],
) -> None:
    for options in (
        {"device": "json", "topic": "j"},
        {"device": "zigbee2mqtt", "topic": "z/d"},
        {"device": "zigbee2mqtt", "topic": "z/d", "output": 2},
        {"device": "tasmota", "topic": "t"},
        {"device": "tasmota", "topic": "t", "output": 2},
    ):
        speaks = dialect(**options)
        for fitting in (speaks, speaks.fitted(told)):
            fitting.seen(told)
            fitting.put_back(told)
            fitting.end(told)
            fitting.outputs(told)
            fitting.ask_words(told)


@pytest.mark.parametrize(("period_s", "speed"), [(0.2, 247), (2, 157), (60, 0)])
def test_wled_blinks_with_the_period_of_the_look(period_s: float, speed: int) -> None:
    _, payload = sent(BLINK.model_copy(update={"period_s": period_s}), device="wled", topic="w")
    assert (payload["seg"]["fx"], payload["seg"]["sx"], payload["seg"]["ix"]) == (1, speed, 128)
    if 0 < speed < 255:
        assert (255 - speed) * 0.020 + 0.048 == pytest.approx(period_s, abs=0.02)


@pytest.mark.parametrize(("period_s", "speed"), [(1.6, 248), (3, 96), (6, 8), (60, 0)])
def test_wled_breathes_with_the_period_of_the_look(period_s: float, speed: int) -> None:
    _, payload = sent(PULSE.model_copy(update={"period_s": period_s}), device="wled", topic="w")
    assert (payload["seg"]["fx"], payload["seg"]["sx"]) == (2, speed)


@pytest.mark.parametrize(
    ("over_s", "transition"), [(None, 2), (0.0, 0), (0.9, 0), (1.5, 1), (3.0, 3)]
)
def test_esphome_takes_whole_seconds_and_needs_them_with_each_frame(
    over_s: float | None, transition: int
) -> None:
    speaks = dialect(device="esphome", topic="desk/light/lamp", transition=1.6)
    frame = None if over_s is None else Frame(RED, over_s)
    told = json.loads(speaks.show(DIM, frame).payload)["transition"]
    assert (told, type(told)) == (transition, int)


def test_a_device_that_nobody_knows_is_asked_to_fade_only_where_it_is_said_to_do_so() -> None:
    plain = dialect(device="json", topic="j")
    assert plain.shortest_fade_s == dialect(device="tasmota", topic="t").shortest_fade_s == math.inf
    assert "transition" not in json.loads(plain.show(DIM, Frame(RED, 0.0)).payload)
    fades = dialect(device="json", topic="j", transition=0.4)
    assert json.loads(fades.show(DIM, Frame(RED, 1.0)).payload)["transition"] == 1.0


def test_small_differences_are_none_and_others_are() -> None:
    seen = Seen(on=True, mode="rgb", parts=(0.5, 1.0))
    assert not seen.differs(Seen(on=True, mode="rgb", parts=(0.52, 0.99)))
    assert seen.differs(Seen(on=True, mode="rgb", parts=(0.6, 1.0)))
    assert seen.differs(Seen(on=True, mode="rgb", parts=(0.5,)))
    lit, dim = Seen(on=True, level=0.9), Seen(on=True, level=0.3)
    assert lit.differs(dim)
    assert not lit.differs(dim, fades=True)
    assert dim.is_between(0.15, 1)
    assert not dim.is_between(0.5, 1)
    assert seen.differs(Seen(on=True, mode="white", parts=(0.5, 1.0)))
    assert seen.differs(Seen(on=False, mode="rgb", parts=(0.5, 1.0)))
    assert not Seen(on=False, parts=(0.1,)).differs(Seen(on=False, parts=(0.9,)))


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"Offline", False),
        (b'{"state":"online"}', True),
        (b'{"state":"offline"}', False),
        (b"", None),
        (b"\xff\xff", None),
        (b"[1]", None),
    ],
)
def test_availability_is_read_in_each_tongue(payload: bytes, online: bool | None) -> None:  # noqa: FBT001 - a value
    assert says_online(payload) is online


@rows(
    ("options", "text"),
    [
        ({"topic": "a", "device": "tradfri"}, "zigbee2mqtt"),
        ({"topic": "a/#", "device": "json"}, "no pattern"),
        ({"topic": "/a/b", "device": "tasmota"}, "without a slash in front"),
        ({"topic": "a", "device": "json", "state_topic": "+/b"}, "no pattern"),
        ({"topic": "a", "device": "template"}, "needs payload"),
        ({"topic": "a", "device": "template", "payload": "{hax}"}, "did you mean hex?"),
        ({"topic": "a/{rad}", "device": "template", "payload": ""}, "did you mean red?"),
        ({"topic": "a", "device": "json", "presets": {}}, "presets is only for wled"),
        ({"topic": "a", "device": "wled", "color": False}, "color is only for zigbee2mqtt and"),
        ({"topic": "a", "device": "wled", "presets": {"rde": 1}}, "rde: is not a colour"),
        ({"topic": "a", "device": "wled", "presets": {"red glow": 1}}, "'glow' is not an effect"),
        ({"topic": "a", "device": "wled", "presets": {"red": 0}}, "greater than or equal to 1"),
        ({"topic": "a", "device": "tasmota", "transition": 1}, "transition is only for"),
    ],
)
def test_options_that_do_not_fit_are_refused_with_a_hint(
    options: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationError, match=r"(?s).*") as caught:
        MqttOptions.model_validate(options)
    assert text in str(caught.value)


def test_a_template_leaves_other_braces_alone() -> None:
    assert fill('{"a":{"b":{r}}, "c":{}}', values(RED, Words())) == '{"a":{"b":255}, "c":{}}'
    assert Template("t", "x").put_back({}).payload == b"x"


def test_preset_keys_may_be_any_colour_that_looks_have() -> None:
    assert preset_key("Red") == preset_key("#ff0000") == preset_key("#f00 solid")
    assert preset_key(" OFF ") is None


def test_the_kind_is_tailored_to_the_device() -> None:
    wled = tailored(MqttOptions(device="wled", topic="w"))
    white = tailored(MqttOptions(device="zigbee2mqtt", topic="z", color=False))
    assert wled.effects == frozenset(Effect)
    assert wled.min_interval_s < KIND.min_interval_s
    assert white.effects == {Effect.SOLID}
    assert (white.frame_interval_s, wled.frame_interval_s) == (1.0, 0.0)
    assert white.color_modes == {"brightness"}
    assert KIND.color_modes == {"rgb"}
