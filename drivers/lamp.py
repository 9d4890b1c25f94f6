"""Keeps one light at the newest state: on change only, within limits. Never chooses it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from random import random as _random
from typing import Any, Literal, TypeVar

from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from bridge.retry import Random, full_jitter
from drivers.base import Kind, Light, Paced, Restorable, Watchable
from drivers.effects import frame, frame_interval_s

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_FIRST_S, RETRY_MOST_S = 1.0, 60.0
REFUSED_S = 60.0
"""Wait after a light refused: a person must act."""
WATCH_EVERY_S = 5.0
"""So often a light that others may change is read."""


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
        self._target, self._clock, self._random = target, clock, random
        self._reachable, self._watch_others = reachable, watch_others
        self._shown: LightState | None = None
        self._found: dict[str, Any] | None = None
        self._written_s: float | None = None
        self._complaint = ""

    async def run(self) -> None:
        """Follow the target until cancelled."""
        async for target in self._target.watch():
            if target is not None:
                await self._hold(target, self._target.version)

    async def leave(self, on_exit: Literal["restore", "off", "keep"]) -> None:
        """Leave the light as ``on_exit`` says; a light that is away is left alone."""
        if on_exit == "keep" or self._written_s is None:
            return
        try:
            if on_exit == "restore" and self._found is not None:
                assert isinstance(self._light, Restorable)
                await self._within_deadline(self._light.restore(self._found))
            else:
                await self._within_deadline(self._light.apply(OFF))
        except (LightUnreachableError, LightRefusedError) as error:
            log.warning("%s: could not be left as wished: %s", self._name, error)

    async def _hold(self, target: LightState, version: int) -> None:
        """Show ``target``, moving where the light cannot, until there is a newer one."""
        began_s, attempt = self._clock.monotonic(), 0
        animated = target.effect is not Effect.SOLID and target.effect not in self._kind.effects
        while self._target.version == version:
            if await self._newer(version, self._seconds_to_rest()):
                return
            now = frame(target, self._clock.monotonic() - began_s) if animated else target
            wait_s = await self._write(now, attempt)
            if wait_s is not None:
                attempt += 1
            elif animated:
                attempt, wait_s = 0, frame_interval_s(target, self._interval_s)
            elif await self._disturbed(version):
                attempt, wait_s = 0, 0.0
            else:
                return
            await self._newer(version, wait_s)

    async def _write(self, state: LightState, attempt: int) -> float | None:
        """Show ``state``; ``None`` when that worked, else the seconds until the next try."""
        if state == self._shown:
            return None
        try:
            first = self._found is None and self._written_s is None
            if first and isinstance(self._light, Restorable):
                self._found = await self._within_deadline(self._light.snapshot())
            await self._within_deadline(self._light.apply(state))
        except (LightUnreachableError, LightRefusedError) as error:
            return self._lost(error, attempt)
        self._shown, self._written_s = state, self._clock.monotonic()
        if self._complaint:
            log.info("%s: the light is back", self._name)
            self._complaint = ""
        self._reachable(True)  # noqa: FBT003 - the value itself
        return None

    def _seconds_to_rest(self) -> float:
        """How long the light needs until the next write."""
        if self._written_s is None:
            return 0.0
        passed = self._clock.monotonic() - self._written_s
        return max(0.0, self._interval_s - passed)

    @property
    def _interval_s(self) -> float:
        if isinstance(self._light, Paced):
            return self._light.min_interval_s
        return self._kind.min_interval_s

    async def _disturbed(self, version: int) -> bool:
        """Whether the light must be written again before there is something new to show.

        It was lost, or changed by somebody else who is not respected; one who is, is left alone.
        """
        if not isinstance(self._light, Watchable):
            return False
        while not await self._newer(version, WATCH_EVERY_S):
            try:
                changed = await self._within_deadline(self._light.changed_by_others())
            except (LightUnreachableError, LightRefusedError) as error:
                return not await self._newer(version, self._lost(error, attempt=0))
            if changed:
                self._shown = None
                if self._watch_others:
                    log.info(
                        "%s: changed by somebody else, left until presence changes", self._name
                    )
                return not self._watch_others
        return False

    async def _within_deadline(self, call: Coroutine[Any, Any, T]) -> T:
        try:
            return await within(self._kind.deadline_s, call)
        except TimeoutError:
            raise LightUnreachableError(
                f"the light did not answer within {self._kind.deadline_s:g} s"
            ) from None

    async def _newer(self, version: int, within_s: float) -> bool:
        return await self._target.newer(version, within_s=within_s, clock=self._clock)

    def _lost(self, error: LightUnreachableError | LightRefusedError, attempt: int) -> float:
        """Note that the light is away; return the seconds until the next try."""
        self._shown = None
        if not self._complaint and isinstance(error, LightRefusedError):
            log.error("%s: %s Trying again every %.0f s.", self._name, error, REFUSED_S)
        elif not self._complaint:
            log.warning("%s: %s; trying again until it is back", self._name, error)
        self._complaint = self._complaint or str(error)
        self._reachable(False)  # noqa: FBT003 - the value itself
        if isinstance(error, LightRefusedError):
            return REFUSED_S
        if error.retry_after_s is not None:
            return error.retry_after_s
        return full_jitter(attempt, first_s=RETRY_FIRST_S, most_s=RETRY_MOST_S, random=self._random)
