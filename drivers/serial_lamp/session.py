"""What every protocol does with its port, from the start of a board to the goodbye.

Blocks as the port does, and raises the errors of lights alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import ceil
from typing import TYPE_CHECKING, TypeVar

from bridge.contract.light import LightState

if TYPE_CHECKING:
    from drivers.serial_lamp.port import SerialPort

T = TypeVar("T")

ASK_EVERY_S = 1.0
"""A board that starts loses what it is asked; so often it is asked again."""
ACK_S = 0.5
TRIES = 2


class Session(ABC):
    """One open port and the board behind it; every call raises as ``Light.apply`` does."""

    beat_every_s: float

    def __init__(self, port: SerialPort, *, boot_s: float) -> None:
        self._port, self._boot_s = port, boot_s

    @abstractmethod
    def start(self) -> None:
        """Wait until the board can be talked to."""

    @abstractmethod
    def show(self, state: LightState, elapsed_s: float) -> None:
        """Show ``state``, whose effect began ``elapsed_s`` seconds ago."""

    @abstractmethod
    def beat(self, state: LightState, elapsed_s: float) -> None:
        """Keep ``state`` shown, also by a board that has forgotten it."""

    def beat_s(self, _state: LightState, _elapsed_s: float) -> float:
        """Seconds until the next beat while that state is shown."""
        return self.beat_every_s

    def changed(self) -> bool:
        """Whether the last beat found something else than the last ``show`` left."""
        return False

    def goodbye(self) -> None:  # noqa: B027 - most protocols know none
        """Tell the board that silence is on purpose from now on."""

    def close(self) -> None:
        """Let go of the port; never raises."""
        self._port.close()

    def awaken(self, question: bytes, parse: Callable[[bytes], T | None]) -> T | None:
        """Ask until there is an answer, or the board has had the time to start."""
        within_s = min(ASK_EVERY_S, max(ACK_S, self._boot_s))
        for _ in range(max(1, ceil(self._boot_s / ASK_EVERY_S))):
            self._port.write(question)
            if (found := self._port.answer(parse, within_s=within_s)) is not None:
                return found
        return None
