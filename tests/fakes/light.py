"""A light that remembers what it was told, and can be slow, dead, or refuse."""

from __future__ import annotations

from typing import Any

from bridge.contract.clock import Clock
from bridge.contract.light import OFF, LightState
from drivers.base import Words


class FakeLight:
    """Notes each write with its time."""

    def __init__(self, clock: Clock, *, takes_s: float = 0.0) -> None:
        self.clock, self.takes_s = clock, takes_s
        self.written: list[tuple[float, LightState]] = []
        self.error: Exception | None = None
        self.tries = 0

    @property
    def shows(self) -> LightState:
        return self.written[-1][1] if self.written else OFF

    async def apply(self, state: LightState) -> None:
        self.tries += 1
        if self.takes_s:
            await self.clock.sleep(self.takes_s)
        if self.error:
            raise self.error
        self.written.append((self.clock.monotonic(), state))


class ReadableFakeLight(FakeLight):
    """One that can be read, put back, and changed by somebody else."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.restored: dict[str, Any] | None = None
        self.touched = False

    async def snapshot(self) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {"color": "as it was"}

    async def restore(self, snapshot: dict[str, Any]) -> None:
        self.restored = snapshot

    async def changed_by_others(self) -> bool:
        if self.error:
            raise self.error
        return self.touched


class FadingFakeLight(ReadableFakeLight):
    """One that fades by itself; notes over how long."""

    shortest_fade_s = 0.1

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.fades: list[float] = []

    async def fade(self, state: LightState, over_s: float) -> None:
        await self.apply(state)
        self.fades.append(over_s)


class RefreshableFakeLight(FakeLight):
    """One that cannot be read, but told again."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.refreshed_s: list[float] = []

    async def refresh(self) -> None:
        if self.error:
            raise self.error
        self.refreshed_s.append(self.clock.monotonic())


class MendableFakeLight(FakeLight):
    """One that notices when it was mended."""

    mended = False

    async def is_mended(self) -> bool:
        return self.mended


class SignFakeLight(FakeLight):
    """One that shows words; notes those of each write."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._words = Words(look="nothing was said")
        self.said: list[Words] = []

    def say(self, words: Words) -> None:
        self._words = words

    async def apply(self, state: LightState) -> None:
        await super().apply(state)
        self.said.append(self._words)
