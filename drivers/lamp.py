"""Keeps one light at the newest state: on change only, within limits. Never chooses it."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Coroutine
from random import random as _random
from typing import Any, Literal, TypeVar

from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from bridge.retry import Random
from drivers.base import Fading, Kind, Light, Mendable, Paced, Refreshable, Restorable, Watchable
from drivers.effects import Animation, animation
from drivers.trouble import Trouble

log = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_EVERY_S = 5.0
"""So often a light that can tell is looked after: a busylight goes dark after 15 s without word."""
SELDOM_S = 3600.0
"""So often one that cannot."""
MENDED_EVERY_S = 2.0
"""So often is looked whether somebody has mended what a light refused."""
LEAVE_S = 7.0
"""The longest that a light is waited for at the end, of the 10 s that a stop may take."""


class Lamp:
    """One open light and what it should show: ``None`` leaves it as it is."""

    def __init__(
        self,
        light: Light,
        kind: Kind[Any],
        *,
        name: str,
        target: Latest[LightState | None],
        clock: Clock,
        reachable: Callable[[bool], None],
        watch_others: bool = False,
        random: Random = _random,
    ) -> None:
        self._light, self._kind, self._name = light, kind, name
        self._target, self._clock = target, clock
        self._reachable, self._watch_others = reachable, watch_others
        self._trouble = Trouble(name, random)
        self._shown: LightState | None = None
        self._found: dict[str, Any] | None = None
        self._touched = False
        self._written_s = -math.inf

    async def run(self) -> None:
        """Follow the target until cancelled."""
        while True:
            target, version = self._target.value, self._target.version
            if target is None:
                await self._leave_alone(version)
            elif target.effect is Effect.SOLID or target.effect in self._kind.effects:
                await self._keep(target, version)
            else:
                await self._animate(target, version)

    async def leave(self, on_exit: Literal["restore", "off", "keep"]) -> None:
        """Leave the light as ``on_exit`` says, if it was ever written to."""
        if on_exit == "keep" or not self._touched:
            return
        try:
            if on_exit == "restore" and self._found is not None:
                assert isinstance(self._light, Restorable)
                await self._within_deadline(self._light.restore(self._found), LEAVE_S)
            else:
                await self._within_deadline(self._light.apply(OFF), LEAVE_S)
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends
            level = logging.DEBUG if self._trouble else logging.WARNING
            log.log(level, "%s: could not be left as wished: %s", self._name, error)

    async def _keep(self, target: LightState, version: int) -> None:
        """Show ``target`` until there is a newer one, again when the light has lost it."""
        while not await self._newer(version, self._seconds_to_rest()):
            if await self._done(self._write(target), version) and await self._is_taken(version):
                await self._leave_alone(version)

    async def _is_taken(self, version: int) -> bool:
        """Look after a light that shows what it should; whether somebody took it who is respected.

        Returns also when there is a newer target, and when it must be written again.
        """
        while not await self._newer(version, self._look_every_s):
            if not await self._done(self._look(), version):
                return False
            if self._shown is None:
                return self._watch_others
        return False

    async def _animate(self, target: LightState, version: int) -> None:
        """Show the frames of ``target`` in turn until there is a newer one, leaving none out."""
        moves = usual = self._animation(target)
        number, due_s, last_s = 0, self._clock.monotonic(), 0.0
        while not await self._newer(version, self._seconds_to_rest(due_s)):
            began_s = self._clock.monotonic()
            if number and self._watch_others and not self._trouble:
                if not await self._done(self._look(), version):
                    continue
                if self._shown is None:
                    await self._leave_alone(version)
                    return
            if await self._done(self._frame(moves, number), version):
                now_s = self._clock.monotonic()
                took_s, last_s = min(last_s, now_s - began_s), now_s - began_s
                before, moves = moves, usual.paced(self._interval_s + took_s, self._fade_s)
                number = 1 + moves.place_of(number, before)
                due_s = max(due_s + moves.step_s, now_s)

    async def _leave_alone(self, version: int) -> None:
        """Write nothing until there is a newer target; whoever has the light may change it."""
        self._shown = None
        while not await self._newer(version, self._look_every_s):
            await self._done(self._look(), version)

    async def _done(self, call: Coroutine[Any, Any, bool], version: int) -> bool:
        """Whether ``call`` worked; if not, this returns when it is time for the next try.

        ``call`` returns whether the light has answered.
        """
        try:
            answered = await call
        except Exception as error:  # noqa: BLE001 - a bug of one kind of light is its own outage
            self._shown = None
            self._reachable(False)  # noqa: FBT003 - the value itself
            await self._pause(self._trouble.lost(error), version)
            return False
        if answered:
            self._trouble.back()
            self._reachable(True)  # noqa: FBT003 - the value itself
        return True

    async def _pause(self, wait_s: float, version: int) -> None:
        """Wait, but no longer than until somebody has mended what the light refused."""
        if not (self._trouble.refused and isinstance(self._light, Mendable)):
            await self._newer(version, wait_s)
            return
        ends_s = self._clock.monotonic() + wait_s
        while (left_s := ends_s - self._clock.monotonic()) > 0:
            if await self._newer(version, min(MENDED_EVERY_S, left_s)):
                return
            if await self._light.is_mended():
                return

    async def _frame(self, moves: Animation, number: int) -> bool:
        state = moves.frames[number % len(moves.frames)]
        light = self._light
        if number == 0 or not isinstance(light, Fading):
            return await self._write(state)
        over_s = moves.step_s if moves.fades else 0.0
        return await self._write(state, lambda wanted: light.fade(wanted, over_s))

    async def _write(
        self,
        state: LightState,
        write: Callable[[LightState], Coroutine[Any, Any, None]] | None = None,
    ) -> bool:
        """Show ``state``, unless it is shown; whether the light was asked."""
        if state == self._shown:
            return False
        if not self._touched and isinstance(self._light, Restorable):
            self._found = await self._within_deadline(self._light.snapshot())
        self._touched = True  # an error may answer a write that worked
        await self._within_deadline((write or self._light.apply)(state))
        self._shown, self._written_s = state, self._clock.monotonic()
        return True

    async def _look(self) -> bool:
        """Look after the light, where it can tell; after a change by others nothing is shown.

        Returns whether the light was asked.
        """
        if not self._touched or self._look_every_s > LOOK_EVERY_S:
            return False
        if isinstance(self._light, Refreshable):
            await self._within_deadline(self._light.refresh())
        if isinstance(self._light, Watchable):
            changed = await self._within_deadline(self._light.changed_by_others())
            if changed and self._shown is not None and self._watch_others:
                log.info("%s: changed by somebody else, left until presence changes", self._name)
            self._shown = None if changed else self._shown
        return True

    @property
    def _look_every_s(self) -> float:
        can_tell = isinstance(self._light, Refreshable | Watchable)
        return LOOK_EVERY_S if can_tell else SELDOM_S

    def _animation(self, target: LightState) -> Animation:
        interval_s = max(self._interval_s, self._kind.frame_interval_s)
        return animation(target, interval_s, self._fade_s)

    @property
    def _fade_s(self) -> float:
        return self._light.shortest_fade_s if isinstance(self._light, Fading) else math.inf

    def _seconds_to_rest(self, due_s: float = -math.inf) -> float:
        """How long until the light can take the next write, which is ``due_s`` at the soonest."""
        soonest_s = max(due_s, self._written_s + self._interval_s)
        return max(0.0, soonest_s - self._clock.monotonic())

    @property
    def _interval_s(self) -> float:
        if isinstance(self._light, Paced):
            return self._light.min_interval_s
        return self._kind.min_interval_s

    async def _within_deadline(self, call: Coroutine[Any, Any, T], most_s: float = math.inf) -> T:
        deadline_s = min(most_s, self._kind.deadline_s)
        try:
            return await within(deadline_s, call)
        except TimeoutError:
            raise LightUnreachableError(
                f"the light did not answer within {deadline_s:g} s"
            ) from None

    async def _newer(self, version: int, within_s: float) -> bool:
        return await self._target.newer(version, within_s=within_s, clock=self._clock)
