"""What a kind of light is: options, how to open it, what it can do alone.

A kind is one module with one :class:`Kind` object, found by the entry point group
``presence.drivers``. Its light has one method. All manners (following, rules, schedule, effects,
retry, restoring, Home Assistant) are the runner's, the same for every kind.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from bridge.contract.clock import Clock
from bridge.contract.light import Effect, LightState
from bridge.contract.wire import Message

if TYPE_CHECKING:
    from bridge.broker import Received

O = TypeVar("O", bound=BaseModel)  # noqa: E741 - the options of a kind


class Capability(StrEnum):
    """What a light can do: it decides the looks of a lamp that has none configured.

    Each is Home Assistant's word for it, a colour mode of the kind.
    """

    COLOR = "rgb"
    WHITE = "brightness"
    """Dimmed, without colours."""
    ON_OFF = "onoff"


@dataclass(frozen=True, slots=True)
class Words:
    """What a light that shows words can say; empty where there is nothing to say."""

    person: str = ""
    """The account whose presence is shown, as in ``follow``."""
    activity: str = ""
    """Of that person: ``in_a_call``; ``unknown`` where there is nothing fresh."""
    availability: str = ""
    look: str = ""
    """The name of the look, ``outside`` of the schedule, or ``manual`` or ``off`` by hand."""


class Light(Protocol):
    """One open light."""

    async def apply(self, state: LightState) -> None:
        """Show ``state``; idempotent.

        The runner calls it only when something changed, one call at a time, with a deadline.

        Raises:
            LightUnreachableError: The light does not answer; the runner tries again.
            LightRefusedError: A person must act; the remedy says how.
        """


@runtime_checkable
class Restorable(Protocol):
    """A light that can be read, so that it can be left as it was found."""

    async def snapshot(self) -> dict[str, Any]:
        """Read how the light is now, as JSON values. Raises as ``apply`` does."""

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what ``snapshot`` read. Raises as ``apply`` does."""


@runtime_checkable
class Watchable(Protocol):
    """A light that somebody else may change, and that can tell."""

    async def changed_by_others(self) -> bool:
        """Whether the light no longer shows what we last applied. Raises as ``apply`` does."""


@runtime_checkable
class Refreshable(Protocol):
    """A light that cannot be read: told the same again, it stays lit, or is found to be away."""

    async def refresh(self) -> None:
        """Show what ``apply`` showed last, if anything. Raises as ``apply`` does."""


@runtime_checkable
class Worded(Protocol):
    """A light that shows words beside its colour, or words alone."""

    def say(self, words: Words) -> None:
        """Note ``words``: the ``apply`` that follows shows them with its look.

        That comes also when the words alone have changed.
        """


@runtime_checkable
class Fading(Protocol):
    """A light that can take a frame of an animation and how long it fades to it."""

    shortest_fade_s: float
    """Infinite where it can only jump."""

    async def fade(self, state: LightState, over_s: float) -> None:
        """Show ``state``, reached evenly over ``over_s`` seconds. Raises as ``apply`` does.

        Comes often and after an ``apply`` that looked the same but for brightness and being on.
        """


@runtime_checkable
class Mendable(Protocol):
    """A light that notices when a person has mended what it refused."""

    async def is_mended(self) -> bool:
        """Whether another try is worth while since the last refusal; never raises."""


@runtime_checkable
class Paced(Protocol):
    """A light whose pace depends on what it turned out to be; overrides that of its kind."""

    min_interval_s: float


@runtime_checkable
class Capable(Protocol):
    """A light of which only it can tell what it can do; overrides the colour modes of its kind."""

    async def capability(self) -> Capability:
        """What it can do; changes nothing. Raises as ``apply`` does."""


class Bus(Protocol):
    """The broker, for kinds that reach their light through it."""

    @property
    def connected(self) -> bool:
        """Whether what is published now goes out now."""

    def publish(self, message: Message) -> None:
        """Send soon; never blocks."""

    def subscribe(self, topic_filter: str, handler: Callable[[Received], None]) -> None:
        """Call ``handler`` with each message that matches."""


class Surroundings(NamedTuple):
    """What a kind may need besides its options."""

    name: str
    """The NAME of ``[drivers.NAME]``."""
    state_dir: Path
    clock: Clock
    bus: Bus


@dataclass(frozen=True)
class Found:
    """One light or hub that answered."""

    name: str
    """As its maker's app calls it, or its id."""
    address: str
    about: str = ""
    """Its model, for people."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The keys of ``[drivers.NAME]`` that mean it, wherever it moves."""


@dataclass(frozen=True)
class Kind(Generic[O]):
    """One kind of light."""

    name: str
    """Equals the entry point's name and ``kind`` in the config."""
    options: type[O]
    """The model of the kind's own keys in ``[drivers.NAME]``; unknown keys are refused."""
    open: Callable[[O, Surroundings], AbstractAsyncContextManager[Light]]
    """Acquires the light on entry and releases it on exit; does not change how it looks.

    A light that is away at the start must not fail here: ``apply`` then raises."""
    effects: frozenset[Effect] = frozenset({Effect.SOLID})
    """Effects that the light does alone; the runner animates the others."""
    min_interval_s: float = 0.1
    """The shortest time between two calls that the light stands."""
    frame_interval_s: float = 0.0
    """The shortest time between two frames of a blink or pulse, where many lights share a hub."""
    deadline_s: float = 5.0
    """The longest that one call may take."""
    color_modes: frozenset[str] = frozenset({"rgb"})
    """``rgb``, ``brightness`` or ``onoff``: what Home Assistant offers for it."""
    shines: bool = True
    """There is a light behind it; else its looks are tried by the driver that runs."""
    uses_bus: bool = False
    """It reaches its light through the broker."""
    pair: Callable[[O, Surroundings], Coroutine[Any, Any, None]] | None = None
    """An async function behind ``presence-driver pair``; prints, waits, raises as above."""
    find: Callable[[str | None], AsyncGenerator[Found, None]] | None = None
    """What of it answers, in the local network or at the address that is named."""
    tailored: Callable[[O], Kind[O]] | None = None
    """The kind as these options make it: other effects, pace or colour modes."""

    @property
    def capability(self) -> Capability:
        """What its lights can do, as far as is known before one is asked."""
        return next(each for each in Capability if each in self.color_modes)
