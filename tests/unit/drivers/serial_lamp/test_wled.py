import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import OFF, Effect, LightState
from drivers.looks import wled as json_state
from drivers.serial_lamp import wled
from tests.fakes.serial_boards import WLED_BOOT, WledBoard

RED = LightState(color=(255, 0, 0), brightness=0.5)


def asked(state: LightState, *segments: int) -> dict[str, Any]:
    line = wled.line(json_state.show(state, segments or (0,)))
    assert line.endswith(b"}\n")
    answer: dict[str, Any] = json.loads(line)
    return answer


def reply(**state: object) -> json_state.Reply:
    found = wled.parse_reply(json.dumps({"state": WLED_BOOT | state}).encode())
    assert found
    return found


def test_every_segment_gets_the_colour_and_no_effect() -> None:
    told = asked(RED, 0, 2)
    assert (told["on"], told["bri"], told["v"]) == (True, 128, True)
    assert [segment["id"] for segment in told["seg"]] == [0, 2]
    for segment in told["seg"]:
        assert (segment["on"], segment["frz"], segment["fx"], segment["bri"]) == (
            True,
            False,
            0,
            255,
        )
        assert segment["col"] == [[255, 0, 0], [0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize("state", [OFF, LightState(brightness=0)])
def test_dark_is_off_and_leaves_the_brightness(state: LightState) -> None:
    told = asked(state)
    assert told["on"] is False
    assert "bri" not in told


def blink_ms(speed: int) -> float:
    """As WLED's FX.cpp has it."""
    return (255 - speed) * 20 + 48


def breathe_ms(speed: int) -> float:
    """As WLED's FX.cpp has it."""
    return 65_536 / ((speed >> 3) + 10)


@pytest.mark.parametrize("period_s", [0.2, 0.5, 1, 2, 5])
def test_blink_has_the_period(period_s: float) -> None:
    segment = asked(LightState(effect=Effect.BLINK, period_s=period_s))["seg"][0]
    assert segment["fx"] == 1
    assert blink_ms(segment["sx"]) == pytest.approx(period_s * 1000, abs=11)


@pytest.mark.parametrize("period_s", [1.7, 2, 3, 4, 6])
def test_pulse_has_nearly_the_period(period_s: float) -> None:
    segment = asked(LightState(effect=Effect.PULSE, period_s=period_s))["seg"][0]
    assert segment["fx"] == 2
    assert breathe_ms(segment["sx"]) == pytest.approx(period_s * 1000, rel=0.05)


@given(st.sampled_from(Effect), st.floats(0.2, 60))
def test_any_period_becomes_a_speed(effect: Effect, period_s: float) -> None:
    assert 0 <= asked(LightState(effect=effect, period_s=period_s))["seg"][0]["sx"] <= 255


def test_what_was_read_is_brought_back() -> None:
    board = WledBoard()
    found = wled.parse_reply(board.receive(wled.line({})))
    assert found
    kept = json.loads(json.dumps(json_state.snapshot(found.state)))
    board.receive(wled.line(json_state.show(RED, (0, 2))))
    assert board.state != WLED_BOOT
    board.receive(wled.line(json_state.restore(kept)))
    assert board.state == WLED_BOOT


def test_a_running_playlist_is_restarted() -> None:
    told = json_state.restore(json_state.snapshot(reply(pl=7, ps=3).state))
    assert told == {"ps": 7}


def test_a_light_that_was_off_is_switched_back_off() -> None:
    told = json_state.restore(json_state.snapshot(reply(on=False, pl=7).state))
    assert told["on"] is False
    assert told["seg"] == WLED_BOOT["seg"]


def test_two_dark_lights_look_the_same() -> None:
    assert json_state.same(reply(on=False).state, reply(on=False, bri=3).state)
    assert not json_state.same(reply().state, reply(bri=3).state)
    assert not json_state.same(reply().state, reply(on=False).state)


@pytest.mark.parametrize(
    "heard", [b"", b"ets Jul 29 2019", b"{garbage", b'{"state":{}}', b'{"state":5}', b"\xff{}"]
)
def test_what_is_no_answer_is_passed_over(heard: bytes) -> None:
    assert wled.parse(heard) is None


@given(st.binary(max_size=80))
def test_noise_is_never_an_error(noise: bytes) -> None:
    wled.parse(b"{" + noise)


def test_a_refusal_is_an_answer_but_no_state() -> None:
    assert wled.parse(b'noise{"error":3}\r') == json_state.Refusal(error=3)
    assert wled.parse_reply(b'{"error":3}') is None
