"""Whose a light is: taken, and given back as it was found, also over a kill."""

from __future__ import annotations

from bridge.contract.light import OFF
from drivers.base import Light, Restorable
from drivers.runtime.saved_state import Found, SavedState

SETTLED_S = 1.0
"""So long the disk is waited for: a light is more than its memory."""


class Ownership:
    """The light is ours from ``take`` to ``give_back`` or ``let_go``."""

    def __init__(self, light: Light, saved: SavedState | None = None) -> None:
        self._light, self._saved = light, saved
        self._found = saved.now.found if saved else None
        self._restorable = light if isinstance(light, Restorable) else None

    def __bool__(self) -> bool:
        return self._found is not None

    async def take(self) -> None:
        """Note how the light is, unless it is ours: then it looks as we made it.

        Raises as ``Light.apply`` does.
        """
        if self._found is None:
            snapshot = await self._restorable.snapshot() if self._restorable else None
            self._set(Found(snapshot=snapshot))
            if self._saved:
                await self._saved.on_disk.settled(SETTLED_S)

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
            self._set(None)

    def _set(self, found: Found | None) -> None:
        self._found = found
        if self._saved:
            self._saved.change(found=found)
