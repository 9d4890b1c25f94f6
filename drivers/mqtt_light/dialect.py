"""What the mqtt kind must know of a family of devices. Pure."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple, Self

from bridge.contract.light import Effect, LightState
from bridge.contract.wire import Message
from drivers.base import Capability

TOLERANCE = 0.04
"""Devices round and clip: a part that moved less than this, of 1, is the same."""

Reported = Mapping[str, Any]
"""What a device reported of its state, in its own words; JSON values."""


class Seen(NamedTuple):
    """How a device says that it looks, made comparable."""

    on: bool
    mode: str = ""
    """Colour mode, effect or preset: another word is another look."""
    parts: tuple[float, ...] = ()
    """The colour, 0 to 1 each; brightness too where it is reported in one with it."""
    level: float | None = None
    """The brightness, 0 to 1, where it is reported apart."""

    def differs(self, other: Seen, *, fades: bool = False) -> bool:
        """Whether a person could see the difference, while it ``fades`` not in brightness."""
        if not (self.on and other.on):
            return self.on is not other.on
        one, another = self.parts, other.parts
        if not fades:
            one = one if self.level is None else (self.level, *one)
            another = another if other.level is None else (other.level, *another)
        pairs = zip_longest(one, another, fillvalue=-1.0)
        return self.mode != other.mode or any(abs(a - b) > TOLERANCE for a, b in pairs)

    def is_between(self, low: float, high: float) -> bool:
        """Whether the brightness is one on the way from ``low`` to ``high``, as far as is known."""
        if not self.on or self.level is None:
            return True
        return low - TOLERANCE <= self.level <= high + TOLERANCE


class Frame(NamedTuple):
    """How a frame of an animation is reached."""

    after: LightState | None
    """What the device showed just before; ``None`` when that is not certain."""
    over_s: float


@dataclass(frozen=True, kw_only=True)
class Dialect(ABC):
    """Topics and payloads of one device, and what holds for most of them."""

    state_topics: tuple[str, ...] = ()
    """Where the device tells its state."""
    availability_topics: tuple[str, ...] = ()
    """Where it is reported whether the device is there; all of them must say so."""
    ask: Message | None = None
    """Makes the device tell its state, where it can be asked."""
    capability: Capability = Capability.COLOR
    """What the device can do."""
    effects: frozenset[Effect] = frozenset({Effect.SOLID})
    """Effects that the device does alone."""
    min_interval_s: float = 0.1
    """The shortest time between two commands that the device stands."""
    frame_interval_s: float = 0.0
    """The shortest time between two frames, where many devices share what carries them."""
    shortest_fade_s: float = math.inf
    """The shortest fade that can be asked for; infinite where none can."""
    bridge_topics: tuple[str, ...] = ()
    """Those availability topics of which only one is right, the likeliest first."""
    parts_s: float = 0.0
    """How much longer the rest of an answer takes, where it comes in parts."""

    def ask_words(self, _reported: Reported) -> Message | None:
        """Makes the device tell its words for on and off, where it has others than we know."""
        return None

    def fitted(self, _reported: Reported) -> Self:
        """The same for a device that tells no more than ``reported``: it may be able to do less."""
        return self

    def outputs(self, _reported: Reported) -> tuple[str, ...]:
        """The outputs of a device, as in the config, where a person must choose one."""
        return ()

    def end(self, _reported: Reported) -> tuple[Message, ...]:
        """What ends the effect that ``reported`` has, where a look alone would not."""
        return ()

    @abstractmethod
    def show(self, state: LightState, frame: Frame | None = None) -> Message:
        """The command that shows ``state``, as a ``frame`` of an animation or as a look."""

    def read(self, _payload: bytes) -> Reported:
        """What a message on a state topic tells; ``ContractError`` where it cannot be read."""
        return {}

    def seen(self, _reported: Reported) -> Seen | None:
        """``reported`` made comparable; ``None`` when it says too little."""
        return None

    @abstractmethod
    def put_back(self, reported: Reported) -> Message | None:
        """The command that brings back ``reported``; ``None`` where it says neither on nor off."""


def command(topic: str, payload: str | bytes) -> Message:
    """A command; never retained, or the device would obey it again after each reconnect."""
    return Message(topic, payload.encode() if isinstance(payload, str) else payload, retain=False)


def no_more(one: Capability, other: Capability) -> Capability:
    """The lesser of two."""
    return max(one, other, key=list(Capability).index)
