"""What the mqtt kind must know of a family of devices. Pure; never sends anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Protocol, Self

from bridge.contract.light import Effect, LightState
from bridge.contract.wire import Message
from drivers.base import Capability

TOLERANCE = 0.04
"""Devices round and clip: a part that moved less than this, of 1, is the same."""

Told = Mapping[str, Any]
"""What a device told of its state, in its own words; JSON values."""


@dataclass(frozen=True)
class Seen:
    """How a device says that it looks, made comparable."""

    on: bool
    mode: str = ""
    """Colour mode, effect or preset: another word is another look."""
    parts: tuple[float, ...] = ()
    """The colour, 0 to 1 each; brightness too where it is told in one with it."""
    level: float | None = None
    """The brightness, 0 to 1, where it is told apart."""

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


@dataclass(frozen=True)
class Frame:
    """How a frame of an animation is reached."""

    after: LightState | None
    """What the device showed just before; ``None`` when that is not certain."""
    over_s: float


class Dialect(Protocol):
    """Topics and payloads of one device."""

    @property
    def effects(self) -> frozenset[Effect]:
        """Effects that the device does alone."""
        ...

    @property
    def min_interval_s(self) -> float:
        """The shortest time between two commands that the device stands."""
        ...

    @property
    def frame_interval_s(self) -> float:
        """The shortest time between two frames, where many devices share what carries them."""
        ...

    @property
    def shortest_fade_s(self) -> float:
        """The shortest fade that can be asked for; infinite where none can."""
        ...

    @property
    def state_topics(self) -> tuple[str, ...]:
        """Where the device tells its state."""
        ...

    @property
    def availability_topics(self) -> tuple[str, ...]:
        """Where it is told whether the device is there; all of them must say so."""
        ...

    @property
    def bridge_topics(self) -> tuple[str, ...]:
        """Those of them of which only one is right, the likeliest first."""
        ...

    @property
    def capability(self) -> Capability:
        """What the device can do."""
        ...

    @property
    def ask(self) -> Message | None:
        """Makes the device tell its state, where it can be asked."""
        ...

    @property
    def parts_s(self) -> float:
        """How much longer the rest of an answer takes, where it comes in parts."""
        ...

    def ask_words(self, told: Told) -> Message | None:
        """Makes the device tell its words for on and off, where ``told`` has others."""
        ...

    def fitted(self, told: Told) -> Dialect:
        """The same for a device that tells no more than ``told``: it may be able to do less."""
        ...

    def outputs(self, told: Told) -> tuple[str, ...]:
        """The outputs of ``told``, as the config spells them, where a person must choose one."""
        ...

    def end(self, told: Told) -> Message | None:
        """Ends the effect that ``told`` has, where a look alone would not."""
        ...

    def show(self, state: LightState, frame: Frame | None = None) -> Message:
        """The command that shows ``state``, as a ``frame`` of an animation or as a look."""
        ...

    def read(self, payload: bytes) -> Told:
        """What a message on a state topic tells; empty when nothing of the light.

        Raises:
            ContractError: It cannot be read.
        """
        ...

    def seen(self, told: Told) -> Seen | None:
        """``told`` made comparable; ``None`` when it says too little."""
        ...

    def put_back(self, told: Told) -> Message | None:
        """The command that brings back ``told``; ``None`` where it says neither on nor off."""
        ...


class Plain:
    """What holds for a device of one output, with known words, whose effects end with a look."""

    bridge_topics: tuple[str, ...] = ()
    parts_s: float = 0.0

    def ask_words(self, _told: Told) -> Message | None:
        """Its words are known."""
        return None

    def fitted(self, _told: Told) -> Self:
        """It is what the options say."""
        return self

    def outputs(self, _told: Told) -> tuple[str, ...]:
        """It has one."""
        return ()

    def end(self, _told: Told) -> Message | None:
        """A look is enough."""
        return None


def command(topic: str, payload: str | bytes) -> Message:
    """A command; never retained, or the device would obey it again after each reconnect."""
    return Message(topic, payload.encode() if isinstance(payload, str) else payload, retain=False)


def no_more(one: Capability, other: Capability) -> Capability:
    """The lesser of two."""
    return max(one, other, key=list(Capability).index)
