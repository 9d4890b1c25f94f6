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
from drivers.base import Capability, Capable, Kind, Light
from drivers.effects import Animation, animation
from drivers.manners import LOOK_EVERY_S, Manners
from drivers.rules.look import GIVE_BACK, Shown
from drivers.taking import Taking
from drivers.trouble import Trouble

log = logging.getLogger(__name__)

T = TypeVar("T")

MENDED_EVERY_S = 2.0
"""So often is looked whether somebody has mended what a light refused."""
LEAVE_S = 7.0
"""The longest that a light is waited for at the end, of the 10 s that a stop may take."""


def _unheard(_capability: Capability) -> None:
    """For whoever knows already."""


class Lamp:
    """One open light and what it should show.

    It is taken with the first write, and given back when that is asked for or at the end. Whoever
    is respected, or changes what was left as it is, has it from then on: with the next write it is
    taken anew.
    """

    def __init__(
        self,
        light: Light,
        kind: Kind[Any],
        *,
        name: str,
        target: Latest[Shown] | Latest[LightState | None],
        clock: Clock,
        reachable: Callable[[bool], None],
        taking: Taking | None = None,
        capable: Callable[[Capability], None] = _unheard,
        watch_others: bool = False,
        random: Random = _random,
    ) -> None:
        self._light, self._kind, self._name = light, kind, name
        self._target, self._clock = target, clock
        self._reachable, self._watch_others = reachable, watch_others
        self._taking = Taking(light) if taking is None else taking
        self._trouble = Trouble(name, random, clock)
        self._manners, self._knows_capability = Manners(light, kind), False
        self._tell_capability = capable
        self._shown: LightState | None = None
        self._touched = False
        self._written_s = -math.inf

    async def run(self) -> None:
        """Follow the target until cancelled."""
        while True:
            target, version = self._target.value, self._target.version
            if target is None:
                await self._leave_alone(version)
            elif target is GIVE_BACK:
                await self._give_back(version)
            elif self._manners.capable and not self._knows_capability:
                await self._done(self._ask_capability(self._manners.capable), version)
            elif target.effect is Effect.SOLID or target.effect in self._kind.effects:
                await self._keep(target, version)
            else:
                await self._animate(target, version)

    async def leave(self, on_exit: Literal["restore", "off", "keep"]) -> None:
        """Leave the light as ``on_exit`` says, if it is ours; kept as it is, it stays ours."""
        if on_exit == "keep" or not self._taking:
            return
        try:
            if on_exit == "restore":
                await self._within_deadline(self._taking.give_back(), LEAVE_S)
            else:
                await self._within_deadline(self._light.apply(OFF), LEAVE_S)
                self._taking.let_go()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends
            level = logging.DEBUG if self._trouble else logging.WARNING
            log.log(level, "%s: could not be left as wished: %s", self._name, error)

    async def _ask_capability(self, capable: Capable) -> bool:
        """Ask before the first write, which may then be another one."""
        capability = await self._within_deadline(capable.capability())
        self._knows_capability = True
        self._tell_capability(capability)
        return True

    async def _give_back(self, version: int) -> None:
        """Give the light back, when it is there; then no more until there is a newer target."""
        self._shown = None
        while self._taking:
            if await self._newer(version, self._seconds_to_rest()):
                return
            await self._done(self._given_back(), version)
        await self._leave_alone(version)

    async def _given_back(self) -> bool:
        await self._within_deadline(self._taking.give_back())
        self._touched, self._written_s = True, self._clock.monotonic()
        return True

    async def _keep(self, target: LightState, version: int) -> None:
        """Show ``target`` until there is a newer one, again when the light has lost it."""
        while not await self._newer(version, self._seconds_to_rest()):
            if await self._done(self._write(target), version) and await self._is_lost(version):
                self._taking.let_go()
                await self._leave_alone(version)

    async def _is_lost(self, version: int) -> bool:
        """Look after a light that shows what it should; whether somebody took it who is respected.

        Returns also when there is a newer target, and when it must be written again.
        """
        while not await self._newer(version, self._manners.look_every_s):
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
                    self._taking.let_go()
                    await self._leave_alone(version)
                    return
            if await self._done(self._frame(moves, number), version):
                now_s = self._clock.monotonic()
                took_s, last_s = min(last_s, now_s - began_s), now_s - began_s
                before, moves = (
                    moves,
                    usual.paced(self._manners.interval_s + took_s, self._manners.shortest_fade_s),
                )
                number = 1 + moves.place_of(number, before)
                due_s = max(due_s + moves.step_s, now_s)

    async def _leave_alone(self, version: int) -> None:
        """Write nothing until there is a newer target; whoever has the light may change it."""
        self._shown = None
        while not await self._newer(version, self._manners.look_every_s):
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
        mendable = self._manners.mendable
        if not (self._trouble.refused and mendable):
            await self._newer(version, wait_s)
            return
        ends_s = self._clock.monotonic() + wait_s
        while (left_s := ends_s - self._clock.monotonic()) > 0:
            if await self._newer(version, min(MENDED_EVERY_S, left_s)):
                return
            if await mendable.is_mended():
                return

    async def _frame(self, moves: Animation, number: int) -> bool:
        state = moves.frames[number % len(moves.frames)]
        fading = self._manners.fading
        if number == 0 or fading is None:
            return await self._write(state)
        over_s = moves.step_s if moves.fades else 0.0
        return await self._write(state, lambda wanted: fading.fade(wanted, over_s))

    async def _write(
        self,
        state: LightState,
        write: Callable[[LightState], Coroutine[Any, Any, None]] | None = None,
    ) -> bool:
        """Show ``state``, unless it is shown; whether the light was asked."""
        if state == self._shown:
            return False
        if not self._taking:
            await self._within_deadline(self._taking.take())
        self._touched = True  # an error may answer a write that worked
        await self._within_deadline((write or self._light.apply)(state))
        self._shown, self._written_s = state, self._clock.monotonic()
        return True

    async def _look(self) -> bool:
        """Look after the light, where it can tell; after a change by others nothing is shown.

        Returns whether the light was asked. One that was given back is only read.
        """
        refreshable, watchable = self._manners.refreshable, self._manners.watchable
        is_of_interest = self._touched or self._trouble
        if not is_of_interest or self._manners.look_every_s > LOOK_EVERY_S:
            return False
        if refreshable and self._taking:
            await self._within_deadline(refreshable.refresh())
        if watchable:
            changed = await self._within_deadline(watchable.changed_by_others())
            if changed and self._shown is not None and self._watch_others:
                log.info("%s: changed by somebody else, left until presence changes", self._name)
            if changed and self._target.value is None:
                self._taking.let_go()
            self._shown = None if changed else self._shown
        return bool(watchable or self._taking)

    def _animation(self, target: LightState) -> Animation:
        interval_s = max(self._manners.interval_s, self._kind.frame_interval_s)
        return animation(target, interval_s, self._manners.shortest_fade_s)

    def _seconds_to_rest(self, due_s: float = -math.inf) -> float:
        """How long until the light can take the next write, which is ``due_s`` at the soonest."""
        soonest_s = max(due_s, self._written_s + self._manners.interval_s)
        return max(0.0, soonest_s - self._clock.monotonic())

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
