import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import ContractError
from bridge.contract.light import OFF, Effect, LightState
from bridge.contract.wire import decode, encode_json
from drivers.manual import Command, Mode, light_state, obey

CALL = LightState(color=(255, 0, 0), effect=Effect.PULSE)
DIM = LightState(color=(0, 255, 0), brightness=0.5)


def after(mode: Mode, payload: str, shown: LightState = CALL) -> Mode:
    return obey(mode, decode(Command, payload.encode()), shown)


def test_a_colour_means_manual_and_presence_follows_again() -> None:
    manual = after(Mode(), '{"state":"ON","color":{"r":1,"g":2,"b":3}}')
    assert manual.name == "manual"
    assert manual.shows(CALL) == LightState(color=(1, 2, 3))
    following = after(manual, '{"state":"ON","effect":"presence"}')
    assert following.name == "follow"
    assert following.shows(CALL) == CALL


def test_brightness_alone_scales_and_keeps_the_mode() -> None:
    scaled = after(Mode(), '{"state":"ON","brightness":51}')
    assert scaled.name == "follow"
    shown = scaled.shows(DIM)
    assert shown is not None
    assert shown.brightness == pytest.approx(0.5 * 0.2)


def test_off_stays_off_until_on_brings_back_what_was_before() -> None:
    manual = after(Mode(), '{"state":"ON","color":{"r":1,"g":2,"b":3}}')
    off = after(manual, '{"state":"OFF"}')
    assert off.shows(CALL) == OFF
    assert after(off, '{"state":"ON"}').shows(CALL) == manual.shows(CALL)
    assert after(after(Mode(), '{"state":"OFF"}'), '{"state":"ON"}').shows(CALL) == CALL


def test_effect_off_keeps_the_colour_that_is_shown() -> None:
    frozen = after(Mode(), '{"state":"ON","effect":"off"}', shown=DIM)
    assert frozen.shows(CALL) == DIM


def test_a_lamp_that_is_left_alone_stays_so_while_following() -> None:
    assert Mode().shows(None) is None


@pytest.mark.parametrize("payload", [b"", b"ON", b'{"brightness":300}', b'{"state":"on"}', b"[]"])
def test_what_is_no_command_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode(Command, payload)


COMMANDS = st.builds(
    Command,
    state=st.sampled_from([None, "ON", "OFF"]),
    brightness=st.none() | st.integers(0, 255),
    color=st.none() | st.builds(dict, r=st.integers(0, 255), g=st.just(0), b=st.just(9)),
    effect=st.sampled_from([None, "presence", "off", "rainbow"]),
)


@given(st.lists(COMMANDS, max_size=6), st.sampled_from([CALL, DIM, OFF]))
def test_whatever_is_commanded_the_state_is_one_that_home_assistant_takes(
    commands: list[Command], followed: LightState
) -> None:
    mode = Mode()
    for command in commands:
        mode = obey(mode, command, mode.shows(followed) or OFF)
    shown = mode.shows(followed) or OFF
    payload = light_state(mode, shown, {"rgb"})
    assert payload["state"] in ("ON", "OFF")
    assert payload["color_mode"] == "rgb"
    assert 1 <= payload["brightness"] <= 255
    assert set(payload["color"]) == {"r", "g", "b"}
    assert payload.get("effect") in ("presence", "off", None)
    assert Mode.model_validate_json(mode.model_dump_json()) == mode


@given(st.lists(COMMANDS, max_size=4), st.sampled_from([CALL, DIM, OFF]))
def test_what_is_read_and_written_back_changes_nothing(
    commands: list[Command], followed: LightState
) -> None:
    mode = Mode()
    for command in commands:
        mode = obey(mode, command, mode.shows(followed) or OFF)
    shown = mode.shows(followed) or OFF
    for color_modes in ({"rgb"}, {"brightness"}, {"onoff"}):
        read = light_state(mode, shown, color_modes)
        again = obey(mode, decode(Command, encode_json(read)), shown)
        after = again.shows(followed) or OFF
        assert (again.name, after.on, after.color) == (mode.name, shown.on, shown.color)
        if "onoff" not in color_modes:
            assert abs(after.brightness - shown.brightness) <= 1 / 254


@pytest.mark.parametrize("brightness", [255, 153, 55])
def test_a_slider_and_a_scene_mean_the_same_while_following(brightness: int) -> None:
    scaled = after(Mode(), f'{{"state":"ON","brightness":{brightness}}}', DIM)
    for _ in range(3):
        told = light_state(scaled, scaled.shows(DIM) or OFF, {"rgb"})
        assert told["brightness"] == brightness
        scaled = after(scaled, encode_json(told).decode(), DIM)
    assert scaled.name == "follow"
    assert scaled.brightness == brightness / 255


def test_a_lamp_without_colours_promises_none() -> None:
    assert "color" not in light_state(Mode(), DIM, {"brightness"})
    assert "brightness" not in light_state(Mode(), DIM, {"onoff"})
