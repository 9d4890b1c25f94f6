from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.errors import ContractError
from bridge.contract.light import LONGEST_S, OFF, Effect, LightCommand, LightState
from bridge.contract.wire import decode, encode_json
from drivers.rules import GIVE_BACK, Shown
from drivers.runtime.manual import Mode, light_state, obey

CALL = LightState(color=(255, 0, 0), effect=Effect.PULSE)
DIM = LightState(color=(0, 255, 0), brightness=0.5)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def after(mode: Mode, payload: str, shown: Shown = CALL, now: datetime = NOW) -> Mode:
    return obey(mode, decode(LightCommand, payload.encode()), shown, now)


def test_a_colour_means_manual_and_presence_resumes() -> None:
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
        decode(LightCommand, payload)


COMMANDS = st.builds(
    LightCommand,
    state=st.sampled_from([None, "ON", "OFF"]),
    brightness=st.none() | st.integers(0, 255),
    color=st.none() | st.builds(dict, r=st.integers(0, 255), g=st.just(0), b=st.just(9)),
    effect=st.sampled_from([None, "presence", "off", "rainbow"]),
    for_s=st.none() | st.integers(1, LONGEST_S),
)


@given(st.lists(COMMANDS, max_size=6), st.sampled_from([CALL, DIM, OFF]))
def test_whatever_is_commanded_the_state_is_one_that_home_assistant_takes(
    commands: list[LightCommand], followed: LightState
) -> None:
    mode = Mode()
    for command in commands:
        mode = obey(mode, command, mode.shows(followed) or OFF, NOW)
    shown = mode.shows(followed) or OFF
    payload = light_state(mode, shown, "rgb")
    assert payload["state"] in ("ON", "OFF")
    assert payload["color_mode"] == "rgb"
    assert 1 <= payload["brightness"] <= 255
    assert set(payload["color"]) == {"r", "g", "b"}
    assert payload.get("effect") in ("presence", "off", None)
    assert Mode.model_validate_json(mode.model_dump_json()) == mode


@given(st.lists(COMMANDS, max_size=4), st.sampled_from([CALL, DIM, OFF]))
def test_what_is_read_and_written_back_changes_nothing(
    commands: list[LightCommand], followed: LightState
) -> None:
    mode = Mode()
    for command in commands:
        mode = obey(mode, command, mode.shows(followed) or OFF, NOW)
    shown = mode.shows(followed) or OFF
    for color_mode in ("rgb", "brightness", "onoff"):
        read = light_state(mode, shown, color_mode)
        repeated = obey(mode, decode(LightCommand, encode_json(read)), shown, NOW + HOUR)
        assert (repeated.since, repeated.until) == (mode.since, mode.until)
        after = repeated.shows(followed) or OFF
        assert (repeated.name, after.on, after.color) == (mode.name, shown.on, shown.color)
        if color_mode != "onoff":
            assert abs(after.brightness - shown.brightness) <= 1 / 254


@pytest.mark.parametrize("brightness", [255, 153, 55])
def test_a_slider_and_a_scene_mean_the_same_while_following(brightness: int) -> None:
    scaled = after(Mode(), f'{{"state":"ON","brightness":{brightness}}}', DIM)
    for _ in range(3):
        told = light_state(scaled, scaled.shows(DIM) or OFF, "rgb")
        assert told["brightness"] == brightness
        scaled = after(scaled, encode_json(told).decode(), DIM)
    assert scaled.name == "follow"
    assert scaled.brightness == brightness / 255


def test_a_lamp_without_colours_promises_none() -> None:
    assert "color" not in light_state(Mode(), DIM, "brightness")
    assert "brightness" not in light_state(Mode(), DIM, "onoff")


KEEP = '{"effect":"off"}'


@pytest.mark.parametrize(
    ("shown", "kept"), [(DIM, DIM), (OFF, OFF), (None, None), (GIVE_BACK, None)]
)
def test_who_does_not_follow_any_more_keeps_what_is_shown(shown: Shown, kept: Shown) -> None:
    frozen = after(Mode(), KEEP, shown)
    assert frozen.shows(CALL) == kept
    assert light_state(frozen, frozen.shows(CALL), "rgb").get("effect") != "presence"
    assert after(frozen, '{"effect":"presence"}', kept).shows(CALL) == CALL


def test_who_chose_something_keeps_that_whatever_is_said_of_presence() -> None:
    manual = after(Mode(), '{"state":"ON","color":{"r":1,"g":2,"b":3}}')
    off = after(manual, '{"state":"OFF"}')
    assert after(manual, KEEP) == manual
    assert after(off, KEEP, OFF) == off


def test_a_colour_lights_a_lamp_that_was_kept_as_it_is() -> None:
    kept = after(Mode(), KEEP, None)
    lit = after(kept, '{"state":"ON","color":{"r":1,"g":2,"b":3}}', None)
    assert lit.shows(CALL) == LightState(color=(1, 2, 3))


@pytest.mark.parametrize("payload", ['{"state":"OFF"', '{"color":{"r":1,"g":2,"b":3}'])
def test_for_s_ends_what_a_person_chose(payload: str) -> None:
    chosen = after(Mode(brightness=0.4), payload + ',"for_s":3600}')
    assert (chosen.since, chosen.until) == (NOW, NOW + HOUR)
    assert not chosen.is_over(NOW + HOUR - timedelta(seconds=1))
    assert chosen.is_over(NOW + HOUR)
    assert chosen.given_up().name == "follow"


def test_off_for_an_hour_leaves_the_scale_over_the_looks() -> None:
    scaled = after(Mode(), '{"state":"ON","brightness":51}')
    assert after(scaled, '{"state":"OFF","for_s":9}').given_up() == scaled


@pytest.mark.parametrize(
    ("payload", "until"),
    [
        ('{"brightness":9}', NOW + HOUR),
        ('{"state":"ON"}', NOW + HOUR),
        ('{"color":{"r":9,"g":2,"b":3}}', None),
        ('{"state":"OFF"}', None),
        ('{"effect":"presence"}', None),
        ('{"for_s":60}', NOW + timedelta(minutes=2)),
    ],
)
def test_an_end_holds_while_the_choice_stays_the_same(payload: str, until: datetime | None) -> None:
    chosen = after(Mode(), '{"color":{"r":1,"g":2,"b":3},"for_s":3600}')
    assert after(chosen, payload, now=NOW + timedelta(minutes=1)).until == until


def test_a_clock_that_is_set_back_by_years_keeps_no_lamp_dark() -> None:
    off = after(Mode(), '{"state":"OFF","for_s":3600}')
    assert not off.is_over(NOW - HOUR)
    assert off.is_over(NOW - timedelta(days=366))


@pytest.mark.parametrize("for_s", ["0", "-1", "604801", '"soon"', "1e999", "NaN"])
def test_a_time_that_makes_no_sense_is_refused(for_s: str) -> None:
    with pytest.raises(ContractError):
        decode(LightCommand, f'{{"state":"OFF","for_s":{for_s}}}'.encode())
