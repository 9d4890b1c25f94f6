"""Taking a light, and giving it back as it was found, also over a kill. Never decides when."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from bridge.contract.light import OFF
from drivers.base import Light, Restorable


class Found(BaseModel):
    """How a light was before we took it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    snapshot: dict[str, Any] | None = None
    """``None`` of a light that cannot be read."""


class Keeper(Protocol):
    """Remembers over a kill how a light was found."""

    @property
    def found(self) -> Found | None:
        """While the light is ours."""
        ...

    def keep_found(self, found: Found | None) -> None:
        """Keep it, until the light is not ours any more."""
        ...

    async def settled(self) -> None:
        """Wait until it is kept, but not for ever; never raises."""
        ...


class Taking:
    """Whose the light is: ours from ``take`` to ``give_back`` or ``let_go``."""

    def __init__(self, light: Light, keeper: Keeper | None = None) -> None:
        self._light, self._keeper = light, keeper
        self._found = keeper.found if keeper else None
        self._restorable = light if isinstance(light, Restorable) else None

    def __bool__(self) -> bool:
        """Whether the light is ours now."""
        return self._found is not None

    async def take(self) -> None:
        """Note how the light is, unless it is ours: then it looks as we made it.

        Raises as ``Light.apply`` does.
        """
        if self._found is None:
            snapshot = await self._restorable.snapshot() if self._restorable else None
            self._now(Found(snapshot=snapshot))
            if self._keeper:
                await self._keeper.settled()

    async def give_back(self) -> None:
        """Leave the light as it was found, or dark where that cannot be known; no more is it ours.

        Raises as ``Light.apply`` does; it is ours still.
        """
        if self._found is None:
            return
        if self._restorable and self._found.snapshot is not None:
            await self._restorable.restore(self._found.snapshot)
        else:
            await self._light.apply(OFF)
        self.let_go()

    def let_go(self) -> None:
        """It is not ours any more, whatever it shows."""
        if self._found is not None:
            self._now(None)

    def _now(self, found: Found | None) -> None:
        self._found = found
        if self._keeper:
            self._keeper.keep_found(found)
