"""The LEDs on their pins, by gpiozero; the only module that knows it. Blocking: for a worker.

gpiozero and lgpio are imported when pins are taken, never before.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.config.atomic_file import make_private
from bridge.config.installation import cure
from bridge.contract.errors import LightRefusedError, LightUnreachableError, PresenceBridgeError
from drivers.gpio.levels import Levels

if TYPE_CHECKING:
    from drivers.gpio import GpioOptions

Factory = Callable[[], Any]
"""Makes a gpiozero pin factory; ``None`` leaves the choice to gpiozero."""


def raspberry_pi() -> Any:
    """The pins of the Pi that this runs on, unless gpiozero's own variable names others."""
    if "GPIOZERO_PIN_FACTORY" in os.environ:
        return None
    from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - hardware is touched here

    return LGPIOFactory()


class Leds:
    """Taken pins, one LED each, by channel name."""

    def __init__(self, leds: Mapping[str, Any], factory: Any) -> None:
        self._leds, self._factory = leds, factory

    def show(self, levels: Levels) -> None:
        """Set every LED."""
        for channel, level in levels.items():
            led = self._leds[channel]
            try:
                led.value = level
            except Exception as error:  # lgpio.error has no base of its own
                raise LightUnreachableError(f"{channel} on {led.pin}: {said(error)}") from error

    def close(self) -> None:
        """Give the pins back; they become inputs, so the LEDs go dark."""
        for led in self._leds.values():
            led.close()
        if self._factory is not None:
            self._factory.close()


def take(options: GpioOptions, state_dir: Path, make_factory: Factory = raspberry_pi) -> Leds:
    """Take the pins of ``options``; LEDs are dark at first. Raises as ``Light.apply`` does."""
    with contextlib.ExitStack() as given_back:
        try:
            factory = _within(state_dir, make_factory)
            from gpiozero import LED, PWMLED  # noqa: PLC0415 - hardware is touched here
        except Exception as error:  # four libraries may stand behind it
            raise _no_pins(error) from error
        if factory is not None:
            given_back.callback(factory.close)
        led_class, active_high = PWMLED if options.pwm else LED, options.common == "cathode"
        leds = {}
        for channel, pin in options.pins.items():
            try:
                led = led_class(pin, active_high=active_high, pin_factory=factory)
            except Exception as error:  # lgpio.error has no base of its own
                raise _not_taken(channel, pin, error) from error
            leds[channel] = led
            given_back.callback(led.close)
        given_back.pop_all()
    return Leds(leds, factory)


def _within(state_dir: Path, make_factory: Factory) -> Any:
    """Call ``make_factory`` in a folder that can be written to.

    ``import lgpio`` makes a pipe ``.lgd-nfy0`` in the current folder and opens it by its bare
    name; under systemd and in a container that folder is / and read-only. A full or lost
    ``state_dir`` costs no light: the system's own folder for such files does as well.
    """
    with contextlib.ExitStack() as opened:
        try:
            make_private(state_dir)
            folder = opened.enter_context(
                tempfile.TemporaryDirectory(dir=state_dir, prefix="lgpio-")
            )
        except OSError:
            folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="lgpio-"))
        opened.enter_context(contextlib.chdir(folder))
        return make_factory()


def _no_pins(error: Exception) -> PresenceBridgeError:
    name = type(error).__name__
    if isinstance(error, ImportError) and name != "BadPinFactory":
        remedy = f"{cure('gpio')}. Or use the container."
    elif "open gpiochip" in str(error):
        remedy = (
            "Let the user join the group gpio; give a container the device /dev/gpiochip0 and "
            "that group's number."
        )
    else:
        remedy = "Run the driver on the Raspberry Pi that has the LEDs."
    return LightRefusedError(f"the GPIO pins cannot be reached ({said(error)}).", remedy=remedy)


def _not_taken(channel: str, pin: str, error: Exception) -> PresenceBridgeError:
    name = type(error).__name__
    if name == "GPIOPinInUse" or "busy" in str(error).lower():
        return LightRefusedError(
            f"{channel}: {pin} is in use.",
            remedy="Stop what uses it (gpioinfo names it), or choose another pin.",
        )
    if name in {"PinInvalidPin", "PinNoPins", "PinMultiplePins"}:
        return LightRefusedError(
            f"{channel}: {pin} is not a GPIO of this board.",
            remedy="Choose one from the drawing in docs/lights/gpio.md.",
        )
    if name == "PinPWMUnsupported":
        return LightRefusedError(
            f"{channel}: {pin} has no PWM here.", remedy="Set pwm = false, or choose another pin."
        )
    return LightUnreachableError(f"{channel} on {pin}: {said(error)}")


def said(error: Exception) -> str:
    """What a library says, where that is words and not one of its objects."""
    text = str(error).strip("'")
    return text if text and not set("()<>{}") & set(text) else "it does not obey"
