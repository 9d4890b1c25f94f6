"""gpiozero's mock pins with PWM that tell their level."""

from __future__ import annotations

from typing import Any

from gpiozero.pins.mock import MockFactory, MockPWMPin

from tests.fakes.stand_ins.wire import tell


class WatchedPin(MockPWMPin):  # type: ignore[misc]  # it has no types
    def _set_state(self, value: Any) -> None:
        super()._set_state(value)
        tell(f"gpio {self.info.name} {float(value)}")


class WatchedFactory(MockFactory):  # type: ignore[misc]  # it has no types
    def __init__(self) -> None:
        super().__init__(pin_class=WatchedPin)
