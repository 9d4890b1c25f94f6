"""Keeps one light at the newest state: on change only, within limits."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Coroutine
from random import random as _random
from typing import Any, Literal

from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from bridge.contract.retry import Random
from drivers.base import Capability, Capable, Kind, Light, Words
from drivers.looks.effects import Playback, animation
from drivers.looks.words import OFF as NO_WORDS
from drivers.rules.look import GIVE_BACK, Shown
from drivers.runtime.abilities import LOOK_EVERY_S, Abilities
from drivers.runtime.giving_back import Ownership
from drivers.runtime.trouble import Trouble

log = logging.getLogger(__name__)

MENDED_EVERY_S = 2.0
"""So often is looked whether somebody has mended what a light refused."""
LEAVE_S = 7.0
"""The longest that a light is waited for at the end, of the 10 s that a stop may take."""


class Lamp:
    """One open light and what it should show.

    Taken with the first write, and given back when that is asked for or at the end. Whoever is
    respected, or changes what was left as it is, has it until it is taken anew with the next write.
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
        ownership: Ownership | None = None,
        capable: Callable[[Capability], None] = lambda _: None,
        words: Callable[[], Words] = Words,
        watch_others: bool = False,
        left_to_others: Callable[[bool], None] = lambda _: None,
        random: Random = _random,
    ) -> None:
        self._light, self._kind, self._name = light, kind, name
        self._target, self._clock = target, clock
        self._reachable, self._watch_others = reachable, watch_others
        self._ownership = Ownership(light) if ownership is None else ownership
        self._trouble = Trouble(name, random, clock)
        self._abilities, self._knows_capability = Abilities(light, kind), False
        self._report_capability, self._report_others = capable, left_to_others
        self._words, self._said = words, Words()
        self._shown: LightState | None = None
        self._touched, self._written_s = False, -math.inf

    async def run(self) -> None:
        """Follow the target until cancelled."""
        while True:
            target, version = self._target.value, self._target.version
            if target is None:
                await self._leave_alone(version)
            elif target is GIVE_BACK:
                await self._give_back(version)
            elif self._abilities.capable and not self._knows_capability:
                await self._done(self._ask_capability(self._abilities.capable), version)
            elif target.effect is Effect.SOLID or target.effect in self._kind.effects:
                await self._show(target, version)
            else:
                await self._animate(target, version)

    async def leave(self, on_exit: Literal["restore", "off", "keep"]) -> None:
        """Leave the light as ``on_exit`` says, if it is ours; kept as it is, it stays ours."""
        if on_exit == "keep" or not self._ownership:
            return
        self._say(NO_WORDS)
        try:
            if on_exit == "restore":
                await self._abilities.answered(self._ownership.give_back(), LEAVE_S)
            else:
                await self._abilities.answered(self._light.apply(OFF), LEAVE_S)
                self._ownership.let_go()
        except Exception as error:  # noqa: BLE001 - whatever it is, the process ends
            level = logging.DEBUG if self._trouble else logging.WARNING
            log.log(level, "%s: could not be left as configured: %s", self._name, error)

    async def _ask_capability(self, capable: Capable) -> bool:
        """Ask before the first write, which may then be another one."""
        self._report_capability(await self._abilities.answered(capable.capability()))
        self._knows_capability = True
        return True

    async def _give_back(self, version: int) -> None:
        """Give the light back, when it is there; then no more until there is a newer target."""
        self._shown = None
        while self._ownership:
            if await self._newer(version, self._seconds_to_rest()):
                return
            await self._done(self._given_back(), version)
        await self._leave_alone(version)

    async def _given_back(self) -> bool:
        self._say(NO_WORDS)
        await self._abilities.answered(self._ownership.give_back())
        self._touched, self._written_s = True, self._clock.monotonic()
        return True

    async def _show(self, target: LightState, version: int) -> None:
        """Show ``target`` until there is a newer one, again when the light has lost it."""
        while not await self._newer(version, self._seconds_to_rest()):
            if await self._done(self._write(target), version) and await self._is_lost(version):
                await self._leave_to_others(version)

    async def _is_lost(self, version: int) -> bool:
        """Look after a light that shows what it should; whether somebody took it who is respected.

        Returns also when there is a newer target, and when it must be written again.
        """
        while not await self._newer(version, self._abilities.look_every_s):
            if not await self._done(self._look(), version):
                return False
            if self._shown is None:
                return self._watch_others
        return False

    async def _animate(self, target: LightState, version: int) -> None:
        """Show the frames of ``target`` in turn until there is a newer one, leaving none out."""
        interval_s = max(self._abilities.interval_s, self._kind.frame_interval_s)
        playback = Playback(
            animation(target, interval_s, self._abilities.shortest_fade_s), self._clock.monotonic()
        )
        while not await self._newer(version, self._seconds_to_rest(playback.due_s)):
            began_s = self._clock.monotonic()
            if playback.number and self._watch_others and not self._trouble:
                if not await self._done(self._look(), version):
                    continue
                if self._shown is None:
                    await self._leave_to_others(version)
                    return
            if await self._done(self._frame(playback), version):
                playback.shown(
                    began_s,
                    self._clock.monotonic(),
                    interval_s=self._abilities.interval_s,
                    fade_s=self._abilities.shortest_fade_s,
                )

    async def _leave_to_others(self, version: int) -> None:
        log.info("%s: changed by somebody else, left until presence changes", self._name)
        self._ownership.let_go()
        self._report_others(True)  # noqa: FBT003 - the value itself
        await self._leave_alone(version)
        self._report_others(False)  # noqa: FBT003 - as above

    async def _leave_alone(self, version: int) -> None:
        """Write nothing until there is a newer target; whoever has the light may change it."""
        self._shown = None
        while not await self._newer(version, self._abilities.look_every_s):
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
        mendable = self._abilities.mendable
        if not (self._trouble.refused and mendable):
            await self._newer(version, wait_s)
            return
        ends_s = self._clock.monotonic() + wait_s
        while (left_s := ends_s - self._clock.monotonic()) > 0:
            is_newer = await self._newer(version, min(MENDED_EVERY_S, left_s))
            if is_newer or await mendable.is_mended():
                return

    async def _frame(self, playback: Playback) -> bool:
        fading, over_s = self._abilities.fading, playback.animation.fade_s
        if playback.number == 0 or fading is None:
            return await self._write(playback.frame)
        return await self._write(playback.frame, lambda wanted: fading.fade(wanted, over_s))

    async def _write(
        self,
        state: LightState,
        write: Callable[[LightState], Coroutine[Any, Any, None]] | None = None,
    ) -> bool:
        """Show ``state``, unless it is shown; whether the light was asked."""
        has_news = self._abilities.worded and self._words() != self._said
        if state == self._shown and not has_news:
            return False
        if not self._ownership:
            await self._abilities.answered(self._ownership.take())
        self._say(self._words())
        self._touched = True  # an error may answer a write that worked
        await self._abilities.answered((write or self._light.apply)(state))
        self._shown, self._written_s = state, self._clock.monotonic()
        return True

    def _say(self, words: Words) -> None:
        """Have the light show ``words`` with the next look, where it shows any."""
        if self._abilities.worded:
            self._abilities.worded.say(words)
            self._said = words

    async def _look(self) -> bool:
        """Look after the light, where it can tell; after a change by others nothing is shown.

        Returns whether the light was asked. One that was given back is only read.
        """
        refreshable, watchable = self._abilities.refreshable, self._abilities.watchable
        if self._abilities.look_every_s > LOOK_EVERY_S or not (self._touched or self._trouble):
            return False
        if refreshable and self._ownership:
            await self._abilities.answered(refreshable.refresh())
        if watchable:
            changed = await self._abilities.answered(watchable.changed_by_others())
            if changed and self._target.value is None:
                self._ownership.let_go()
            self._shown = None if changed else self._shown
        return bool(watchable or self._ownership)

    def _seconds_to_rest(self, due_s: float = -math.inf) -> float:
        """How long until the light can take the next write, which is ``due_s`` at the soonest."""
        soonest_s = max(due_s, self._written_s + self._abilities.interval_s)
        return max(0.0, soonest_s - self._clock.monotonic())

    async def _newer(self, version: int, within_s: float) -> bool:
        return await self._target.newer(version, within_s=within_s, clock=self._clock)
