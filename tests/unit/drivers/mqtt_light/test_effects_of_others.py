"""An effect that somebody started ends with the first look, and plays on when the light is left."""

from __future__ import annotations

from bridge.contract.light import OFF
from tests.fakes.mqtt_light_devices import EspHomeLight, TasmotaLight, WledStrip, ZigbeeBulb
from tests.unit.drivers.mqtt_light.desk import DIM, GREEN, RED, Desk


async def test_esphome_is_given_its_rainbow_back() -> None:
    device = EspHomeLight(effect="Rainbow", shows=(True, 99, (4, 5, 6)))
    desk = Desk(device, device="esphome", topic=device.topic)
    desk.tell_device()
    found = await desk.taken()
    await desk.light.apply(RED)
    assert (device.effect, device.shows[2]) == ("None", (255, 0, 0))
    await desk.light.restore(found)
    assert (device.effect, device.shows) == ("Rainbow", (True, 99, (4, 5, 6)))


async def test_a_zigbee_bulb_is_given_its_effect_back_with_the_colour_beneath() -> None:
    both = ["stop_colorloop", "stop_effect"]
    for effect, is_hue, named in (
        ("colorloop", False, both),
        ("colorloop", True, both),
        ("candle", True, ["stop_hue_effect"]),
    ):
        device = ZigbeeBulb(effect=effect, is_hue=is_hue, shows=(True, 99, (4, 5, 6)))
        desk = Desk(device, device="zigbee2mqtt", topic=device.topic)
        found = await desk.taken()
        await desk.light.apply(RED)
        assert (device.effect, device.shows[2]) == (None, (255, 0, 0))
        for look in (GREEN, OFF, DIM):
            await desk.light.apply(look)
        ends = [command for command in desk.commands if "effect" in command[1]]
        assert ends == [(f"{device.topic}/set", {"effect": end}) for end in named]
        assert desk.commands[: len(ends)] == ends
        await desk.light.restore(found)
        assert (device.effect, device.shows) == (effect, (True, 99, (4, 5, 6)))


async def test_an_effect_that_somebody_starts_under_a_look_ends_with_the_next() -> None:
    device = ZigbeeBulb()
    desk = Desk(device, device="zigbee2mqtt", topic=device.topic)
    found = await desk.taken()
    await desk.light.apply(RED)
    for leave in (desk.light.apply(GREEN), desk.light.restore(found)):
        await desk.clock.advance(10)
        device.effect = "colorloop"
        desk.tell_device()
        assert await desk.light.changed_by_others()
        await leave
        assert not device.effect


async def test_a_light_of_any_other_make_is_sent_the_end_of_its_effect() -> None:
    desk = Desk(device="json", topic="j/set", state_topic="j")
    desk.bus.tell("j", '{"state":"ON","brightness":9,"effect":"party"}')
    found = await desk.taken()
    await desk.light.apply(RED)
    assert desk.commands[0][1] == {"effect": "none"}
    assert desk.commands[1][1]["state"] == "ON"
    await desk.light.restore(found)
    assert desk.commands[-1][1] == {"state": "ON", "brightness": 9, "effect": "party"}


async def test_a_tasmota_scheme_ends_and_plays_on() -> None:
    for found_on in (True, False):
        device = TasmotaLight(scheme=2, shows=(found_on, 255, (1, 2, 3)))
        desk = Desk(device, device="tasmota", topic="tasmota_desk")
        found = await desk.taken()
        await desk.light.apply(RED)
        assert (device.scheme, device.shows[2]) == (0, (255, 0, 0))
        await desk.light.restore(found)
        assert (device.scheme, device.shows) == (2, (found_on, 255, (1, 2, 3)))


async def test_a_scheme_ends_also_under_a_brightness() -> None:
    device = TasmotaLight(scheme=2)
    desk = Desk(device, device="tasmota", topic="tasmota_desk", color=False)
    await desk.taken()
    await desk.light.apply(DIM)
    assert (device.scheme, device.shows[:2]) == (0, (True, 60))


async def test_a_wled_effect_or_preset_ends_and_plays_on() -> None:
    for effect, preset in ((9, 0), (9, 2)):
        device = WledStrip(effect=effect, preset=preset)
        desk = Desk(device, device="wled", topic=device.topic)
        desk.tell_device()
        found = await desk.taken()
        await desk.light.apply(RED)
        assert (device.effect, device.preset) == (0, 0)
        await desk.light.restore(found)
        assert device.preset == preset
        assert preset or (device.effect, device.shows[2]) == (9, (255, 160, 0))
