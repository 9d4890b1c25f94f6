"""What people want of one lamp by its ``light/set``, and when that is over."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from datetime import tzinfo
from typing import NamedTuple

from bridge.broker import Received
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.light import LightCommand, LightState
from bridge.contract.wire import decode
from drivers.presence.unreadable import UnreadableMessages
from drivers.rules import GIVE_BACK, Look, Rules, Shown
from drivers.rules.hours import NEVER, ComesBack, next_time
from drivers.runtime.manual import Mode, obey
from drivers.runtime.saved_state import SavedState

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 30.0
"""The longest between two looks at the wall clock, which may be set."""
EACH_S = 3.0
"""So long each look is shown when all are tried."""


class LookTrial(NamedTuple):
    """One look after the other."""

    name: str
    """Of the look that is shown now; empty while a trial is undone."""
    shown: Shown
    ends_s: float
    """Monotonic time at which this look ends."""
    coming: tuple[tuple[str, Shown], ...] = ()

    def next(self) -> LookTrial | None:
        """What is left of it after this look."""
        if not self.coming:
            return None
        (name, shown), *coming = self.coming
        return LookTrial(name, shown, self.ends_s + EACH_S, tuple(coming))


def trial_of(looks: Mapping[str, Look], scale: float, now_s: float) -> LookTrial | None:
    """Those of ``looks`` that differ, each under its first name; ``None`` where there is none."""
    named: dict[LightState, str] = {}
    for name, look in looks.items():
        if not look.give_back:
            named.setdefault(look.state(scale), name)
    coming = tuple((name, state) for state, name in named.items())
    return LookTrial("", None, now_s, coming).next()


class ByHand:
    """Obeys commands; ``changed`` is called whenever the lamp may have to show something else."""

    def __init__(
        self,
        name: str,
        saved: SavedState,
        *,
        comes_back: ComesBack,
        zone: tzinfo | None,
        rules: Callable[[], Rules],
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._name, self._saved, self._clock = name, saved, clock
        self._comes_back, self._zone, self._rules = comes_back, zone, rules
        self._changed, self._unreadable = changed, UnreadableMessages()
        self._trial: Latest[LookTrial | None] = Latest(None)
        self._followed: Shown = None
        self._before: Shown = GIVE_BACK
        """What a trial leaves where the light is to be left as it is."""

    @property
    def mode(self) -> Mode:
        """Who decides about the lamp."""
        return self._saved.now.mode

    @property
    def trying(self) -> str | None:
        """The look that is tried now."""
        return (self._trial.value and self._trial.value.name) or None

    def follow(self, followed: Shown) -> Shown:
        """What the lamp shows when presence asks for ``followed``."""
        self._followed, trial = followed, self._trial.value
        wanted = self.mode.shows(followed)
        if trial and (trial.name or wanted is None):
            return trial.shown
        if isinstance(wanted, LightState):
            self._before = wanted
        return wanted

    def receive(self, received: Received) -> None:
        """Take a command; one that the broker had stored is none."""
        if received.retain:
            return
        command = self._unreadable.read(
            received.topic, lambda: decode(LightCommand, received.payload)
        )
        if command is None:
            return
        if command.trial is None:
            self._obey(command)
        self._stop_trial()
        if command.trial:
            self._start_trial()
        self._changed()

    async def run(self) -> None:
        """End what has an end, until cancelled."""
        while True:
            version = self._trial.version
            await self._trial.newer(version, within_s=self._until_turn_s(), clock=self._clock)
            if self.end_what_is_over():
                self._changed()

    def end_what_is_over(self) -> bool:
        """Whether something was: a look that is tried, or the time of a person's choice."""
        is_over = self.mode.is_over(self._clock.now())
        if is_over:
            self._set(self.mode.given_up())
        trial = self._trial.value
        if trial is None or self._clock.monotonic() < trial.ends_s:
            return is_over
        if coming := trial.next():
            self._trial.set(coming)
        else:
            self._stop_trial()
        return True

    def _until_turn_s(self) -> float:
        waits_s = [LOOK_AGAIN_S]
        if self._trial.value:
            waits_s.append(self._trial.value.ends_s - self._clock.monotonic())
        if self.mode.until:
            waits_s.append((self.mode.until - self._clock.now()).total_seconds())
        return max(0.01, min(waits_s))

    def _obey(self, command: LightCommand) -> None:
        now, shown = self._clock.now(), self.mode.shows(self._followed)
        mode = obey(self.mode, command, shown, now)
        was_switched_off = self.mode.on and not mode.on
        if was_switched_off and mode.until is None and self._comes_back != NEVER:
            until = next_time(self._comes_back, now, self._zone)
            mode = mode.model_copy(update={"until": until})
        self._set(mode)

    def _set(self, mode: Mode) -> None:
        if mode != self.mode:
            self._saved.change(**mode.model_dump())
            until = f" until {mode.until.astimezone(self._zone):%a %H:%M}" if mode.until else ""
            log.info("%s: %s%s", self._name, mode.name, until)
            self._trial.set(self._trial.value)  # or its end would be slept over

    def _start_trial(self) -> None:
        rules, is_ours = self._rules(), self._saved.now.found is not None
        self._before = self._before if is_ours else GIVE_BACK
        self._trial.set(trial_of(rules.looks, rules.scale, self._clock.monotonic()))

    def _stop_trial(self) -> None:
        """What was right before the trial, or is by now, is shown."""
        if trial := self._trial.value:
            undone = None
            if trial.name and self.mode.shows(self._followed) is None:  # what it was before
                lasts_s = math.inf if self._before is GIVE_BACK else EACH_S
                undone = LookTrial("", self._before, self._clock.monotonic() + lasts_s)
            self._trial.set(undone)
