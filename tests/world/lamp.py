"""A lamp on the wall: it goes on when its driver is killed, others touch it, it can be away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Kind, Light, Surroundings


class NoOptions(BaseModel):
    """This kind has none."""


class Bulb:
    """The thing that shines."""

    def __init__(self) -> None:
        self.shows = OFF
        self.by = "nobody"
        """Whose hand was on it last."""
        self.unreachable = self.refuses = False
        self.writes = self.touches = 0
        self.read_as_ours = 0
        """So often was a look of a driver taken for what it found."""

    def touch(self, state: LightState) -> None:
        """Somebody uses another app, or the wall switch."""
        self.shows, self.by = state, "others"
        self.touches += 1


class Hand:
    """A ``Light``: one driver's connection to the bulb."""

    def __init__(self, bulb: Bulb) -> None:
        self.bulb = bulb
        self.dead = False
        self._applied: LightState | None = None

    async def apply(self, state: LightState) -> None:
        self._reach()
        self.bulb.shows, self.bulb.by = state, "driver"
        self.bulb.writes += 1
        self._applied = state

    def _reach(self) -> None:
        if self.dead or self.bulb.unreachable:
            raise LightUnreachableError("the bulb does not answer")
        if self.bulb.refuses:
            raise LightRefusedError("The bulb refuses.", remedy="Pair it.")


class ReadableHand(Hand):
    """One that can be read, put back and watched."""

    async def snapshot(self) -> dict[str, Any]:
        self._reach()
        self.bulb.read_as_ours += self.bulb.by == "driver"
        return self.bulb.shows.model_dump(mode="json")

    async def restore(self, snapshot: dict[str, Any]) -> None:
        await self.apply(LightState.model_validate(snapshot))
        self.bulb.by, self._applied = "nobody", None

    async def changed_by_others(self) -> bool:
        self._reach()
        return self._applied is not None and self.bulb.shows != self._applied


def kind_of(bulb: Bulb, *, moves: bool, readable: bool, opened: list[Hand]) -> Kind[NoOptions]:
    """The kind of ``bulb``; ``moves``: it can blink and pulse alone. ``opened`` gets each hand."""

    @asynccontextmanager
    async def open_(options: NoOptions, around: Surroundings) -> AsyncIterator[Light]:
        hand = ReadableHand(bulb) if readable else Hand(bulb)
        opened.append(hand)
        yield hand

    effects = frozenset(Effect) if moves else frozenset({Effect.SOLID})
    return Kind("bulb", NoOptions, open_, effects=effects, min_interval_s=0.5)


def die(hands: list[Hand]) -> None:
    """Their process is gone: they reach nothing any more."""
    for hand in hands:
        hand.dead = True
