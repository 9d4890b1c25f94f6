"""gpiozero's own mock pins, and pins that fail as lgpio does."""

from __future__ import annotations

from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin


class LgpioError(Exception):
    """As ``lgpio.error``: directly below Exception, and all it says is a text."""


def board() -> MockFactory:
    """A Pi whose pins have PWM; ``duty(board, 17)`` reads one."""
    return MockFactory(pin_class=MockPWMPin)


def duty(board: MockFactory, number: int) -> float:
    """The electrical level of a pin, 0 (always low) to 1 (always high)."""
    return float(board.pin(number).state)


class BusyPin(MockPWMPin):  # type: ignore[misc]  # it has no types
    """A pin that another process has."""

    def _set_function(self, value: str) -> None:
        if value == "output":
            raise LgpioError("GPIO busy")
        super()._set_function(value)


class FailingPin(MockPWMPin):  # type: ignore[misc]  # it has no types
    """A pin that works until ``broken`` is set."""

    broken = False

    def _set_state(self, value: Any) -> None:
        if FailingPin.broken:
            raise LgpioError("bad handle")
        super()._set_state(value)
