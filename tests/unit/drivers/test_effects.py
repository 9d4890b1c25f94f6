from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import OFF, Effect, LightState
from drivers.looks.effects import LOWEST, animation

RED = LightState(color=(255, 0, 0))
BLINK = LightState(color=(0, 0, 255), effect=Effect.BLINK, period_s=2)
PULSE = LightState(color=(0, 0, 255), effect=Effect.PULSE, period_s=2)
INTERVALS, PERIODS = st.floats(0.001, 5), st.floats(0.2, 60)


def test_frames_stay_within_the_look() -> None:
    for step in range(200):
        pulsed = animation(PULSE).at(step / 50)
        assert LOWEST <= pulsed.brightness <= 1
        assert pulsed.effect is Effect.SOLID
    assert animation(RED).at(5) == RED


@given(INTERVALS, PERIODS, st.sampled_from([Effect.BLINK, Effect.PULSE]))
def test_an_animation_is_never_quicker_than_the_light_nor_left_with_one_frame(
    interval_s: float, period_s: float, effect: Effect
) -> None:
    look = LightState(effect=effect, period_s=period_s)
    moves = animation(look, interval_s)
    assert moves.step_s >= interval_s - 1e-9
    assert len(set(moves.frames)) >= 2
    assert moves.step_s * len(moves.frames) >= period_s - 1e-6
    if effect is Effect.PULSE:
        assert len(moves.frames) >= 4


@given(INTERVALS, PERIODS)
def test_a_stream_of_frames_never_leaves_out_half_a_blink(
    interval_s: float, period_s: float
) -> None:
    look = BLINK.model_copy(update={"period_s": period_s})
    moves = animation(look, interval_s)
    elapsed_s, late_s, shown = 0.0, 1e-4, []
    for _ in range(12):
        elapsed_s += late_s
        shown.append(moves.at(elapsed_s) == OFF)
        wait_s = moves.until_next_s(elapsed_s)
        elapsed_s += wait_s
        assert wait_s >= interval_s - 1e-3
    assert all(one is not other for one, other in pairwise(shown))


def test_a_slow_light_is_given_longer_steps_and_keeps_its_place() -> None:
    quick = animation(PULSE, 0.05)
    slow = quick.paced(0.25, 9.0)
    assert 0.25 <= slow.step_s <= 0.3
    number = slow.place_of(len(quick.frames) // 2, quick)
    assert slow.frames[number].brightness == pytest.approx(LOWEST, abs=0.05)
    assert quick.paced(0.01, 9.0) is quick
