"""The gpio kind on gpiozero's mock pins: what is on the wires."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPin, MockPWMPin

from bridge.contract.clock import SystemClock
from bridge.contract.errors import (
    LightRefusedError,
    LightUnreachableError,
    PersonMustActError,
)
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Surroundings
from drivers.blocking import OnDemand
from drivers.gpio import KIND, GpioLight, GpioOptions
from drivers.gpio.pins import raspberry_pi, take
from drivers.runtime.lamp import Lamp
from drivers.testing import FakeBus
from tests.fakes.clock import ManualClock
from tests.fakes.gpio_pins import BusyPin, FailingPin, LgpioError, board, duty

RGB = GpioOptions(pins={"red": 17, "green": 27, "blue": 22}, gamma=1)
ORANGE = LightState(color=(255, 51, 0), brightness=0.5)


@asynccontextmanager
async def lit(
    options: GpioOptions, make_factory: Callable[[], Any], state_dir: Path
) -> AsyncIterator[GpioLight]:
    pins = partial(take, options, state_dir, make_factory)
    async with OnDemand("gpio-test", pins, what="the pins") as leds:
        yield GpioLight(options, leds)


async def test_a_look_is_on_the_wires_of_an_rgb_led_with_common_cathode(tmp_path: Path) -> None:
    pi = board()
    async with lit(RGB, lambda: pi, tmp_path) as light:
        await light.apply(ORANGE)
        assert [duty(pi, pin) for pin in (17, 27, 22)] == pytest.approx([0.5, 0.1, 0.0])
        await light.apply(ORANGE)
        assert [duty(pi, pin) for pin in (17, 27, 22)] == pytest.approx([0.5, 0.1, 0.0])
        await light.apply(OFF)
        assert [duty(pi, pin) for pin in (17, 27, 22)] == [0, 0, 0]
        assert {pi.pin(pin).function for pin in (17, 27, 22)} == {"output"}


async def test_with_a_common_anode_a_low_pin_lights(tmp_path: Path) -> None:
    pi = board()
    anode = RGB.model_copy(update={"common": "anode"})
    async with lit(anode, lambda: pi, tmp_path) as light:
        await light.apply(ORANGE)
        assert [duty(pi, pin) for pin in (17, 27, 22)] == pytest.approx([0.5, 0.9, 1.0])
        await light.apply(OFF)
        assert [duty(pi, pin) for pin in (17, 27, 22)] == [1, 1, 1]


async def test_a_traffic_light_shows_one_lamp(tmp_path: Path) -> None:
    pi = board()
    options = GpioOptions(layout="traffic_light", pins={"red": 9, "amber": 10, "green": 11})
    async with lit(options, lambda: pi, tmp_path) as light:
        for color, wires in (
            ((255, 0, 0), [1, 0, 0]),
            ((255, 140, 0), [0, 1, 0]),
            ((0, 255, 0), [0, 0, 1]),
        ):
            await light.apply(LightState(color=color))
            assert [duty(pi, pin) for pin in (9, 10, 11)] == wires


async def test_a_single_led_on_a_pin_without_pwm_is_on_or_off(tmp_path: Path) -> None:
    pi = MockFactory(pin_class=MockPin)
    options = GpioOptions(layout="single", pins={"led": "BOARD11"}, pwm=False)
    async with lit(options, lambda: pi, tmp_path) as light:
        await light.apply(LightState(brightness=0.2))
        assert duty(pi, 17) == 1
        await light.apply(OFF)
        assert duty(pi, 17) == 0


async def test_blink_and_pulse_move_the_duty_cycle(tmp_path: Path) -> None:
    pi, clock = board(), ManualClock()
    target: Latest[LightState | None] = Latest(None)
    seen: list[float] = []
    async with lit(RGB, lambda: pi, tmp_path) as light:

        class Watched:
            async def apply(self, state: LightState) -> None:
                await light.apply(state)
                seen.append(duty(pi, 17))

        lamp = Lamp(
            Watched(), KIND, name="desk", target=target, clock=clock, reachable=lambda _: None
        )

        running = asyncio.create_task(lamp.run())
        red = LightState(color=(255, 0, 0), period_s=2)
        for effect in (Effect.BLINK, Effect.PULSE):
            target.set(red.model_copy(update={"effect": effect}))
            for _ in range(8):
                await clock.until_asleep()
                await clock.advance(clock.next_wake_s or 0.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert {0.0, 1.0} <= set(seen)
    assert any(0.2 < level < 0.95 for level in seen)


async def test_pins_are_given_back_at_the_end_and_the_leds_are_dark(tmp_path: Path) -> None:
    pi = board()
    async with lit(RGB, lambda: pi, tmp_path) as light:
        await light.apply(ORANGE)
    assert {pi.pin(pin).function for pin in (17, 27, 22)} == {"input"}
    async with lit(RGB, lambda: pi, tmp_path) as light:
        await light.apply(ORANGE)


async def test_a_pin_that_this_process_uses_is_named_and_the_others_are_given_back(
    tmp_path: Path,
) -> None:
    pi = board()
    button = gpiozero.LED(22, pin_factory=pi)
    async with lit(RGB, lambda: pi, tmp_path) as light:
        with pytest.raises(LightRefusedError, match=r"blue: GPIO22 is in use") as caught:
            await light.apply(ORANGE)
        assert "another pin" in caught.value.remedy
        assert "gpiozero" not in str(caught.value)
        button.close()
        await light.apply(ORANGE)
        assert duty(pi, 17) == 0.5


@pytest.mark.parametrize(
    ("factory", "pins", "text", "remedy"),
    [
        (lambda: MockFactory(pin_class=BusyPin), {"led": 4}, "led: GPIO4 is in use", "gpioinfo"),
        (board, {"led": "BOARD1"}, "BOARD1 is not a GPIO", "drawing"),
        (lambda: MockFactory(pin_class=MockPin), {"led": 4}, "has no PWM", "pwm = false"),
    ],
)
async def test_pins_that_cannot_be_had_come_with_a_remedy(
    tmp_path: Path, factory: Callable[[], Any], pins: dict[str, Any], text: str, remedy: str
) -> None:
    options = GpioOptions(layout="single", pins=pins, gamma=1)
    async with lit(options, factory, tmp_path) as light:
        with pytest.raises(LightRefusedError, match=text) as caught:
            await light.apply(ORANGE)
    assert remedy in caught.value.remedy
    assert not {"PinInfo", "<gpiozero", "frozenset"} & set(re.split(r"[( ]", str(caught.value)))


def _fails(error: Exception) -> Callable[[], Any]:
    def make() -> Any:
        raise error

    return make


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (ModuleNotFoundError("No module named 'lgpio'"), "use the container"),
        (gpiozero.BadPinFactory("Unable to load any default pin factory!"), "Raspberry Pi"),
        (gpiozero.PinUnknownPi("unable to locate Pi revision"), "Raspberry Pi"),
        (LgpioError("'can not open gpiochip'"), "group gpio"),
        (OSError("pigpio: failed to connect to localhost:8888"), "Raspberry Pi"),
    ],
)
async def test_a_machine_without_reachable_pins_says_what_to_do(
    tmp_path: Path, error: Exception, remedy: str
) -> None:
    async with lit(RGB, _fails(error), tmp_path) as light:
        with pytest.raises(PersonMustActError) as caught:
            await light.apply(ORANGE)
    assert remedy in caught.value.remedy
    assert caught.value.__cause__ is error


async def test_a_pin_that_fails_is_reopened(tmp_path: Path) -> None:
    pi = MockFactory(pin_class=FailingPin)
    taken: list[MockFactory] = []

    def make_factory() -> MockFactory:
        taken.append(pi)
        return pi

    async with lit(RGB, make_factory, tmp_path) as light:
        await light.apply(ORANGE)
        FailingPin.broken = True
        try:
            with pytest.raises(LightUnreachableError, match="red on GPIO17: bad handle"):
                await light.apply(OFF)
        finally:
            FailingPin.broken = False
        await light.apply(ORANGE)
        assert len(taken) == 2
        assert duty(pi, 17) == 0.5


async def test_the_library_is_loaded_in_a_folder_that_can_be_written_to(tmp_path: Path) -> None:
    here, seen = Path.cwd(), []

    def make_factory() -> MockFactory:
        seen.append(Path.cwd())
        Path(".lgd-nfy0").touch()
        return board()

    async with lit(RGB, make_factory, tmp_path / "state") as light:
        await light.apply(ORANGE)
    assert seen[0].is_relative_to(tmp_path / "state")
    assert Path.cwd() == here
    assert list((tmp_path / "state").iterdir()) == []


async def test_a_state_folder_that_is_lost_costs_no_light(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    pi = board()
    async with lit(RGB, lambda: pi, tmp_path / "state") as light:
        await light.apply(ORANGE)
        assert duty(pi, 17) == 0.5


async def test_the_kind_uses_the_pins_that_gpiozero_is_set_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    monkeypatch.setenv("GPIOZERO_MOCK_PIN_CLASS", "mockpwmpin")
    around = Surroundings("desk", tmp_path, SystemClock(), FakeBus())
    try:
        async with KIND.open(RGB, around) as light:
            await light.apply(ORANGE)
            pi = gpiozero.Device.pin_factory
            assert isinstance(pi, MockFactory)
            assert issubclass(pi.pin_class, MockPWMPin)
            assert duty(pi, 17) == 0.5
        assert pi.pin(17).function == "input"
    finally:
        gpiozero.Device.pin_factory = None


async def test_opening_takes_no_pin(tmp_path: Path) -> None:
    around = Surroundings("desk", tmp_path / "state", SystemClock(), FakeBus())
    async with KIND.open(RGB, around):
        pass
    assert not (tmp_path / "state").exists()


@pytest.mark.skipif(any(Path("/dev").glob("gpiochip*")), reason="there are GPIO pins")
def test_a_machine_that_is_no_pi_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    with pytest.raises(LightRefusedError, match="cannot be reached") as caught:
        take(RGB, tmp_path, raspberry_pi)
    assert caught.value.remedy
