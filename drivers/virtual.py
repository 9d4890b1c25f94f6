"""The ``virtual`` kind: a light of Home Assistant alone, for other lights to be shown by.

Nothing shines here: what the lamp shows is what its runner publishes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.config.tables.base import Settings
from bridge.contract.light import Effect, LightState
from drivers.base import Kind, Light, Surroundings


class VirtualLight:
    """A light that is always there; given back, it shows nothing."""

    def __init__(self) -> None:
        self.shown: LightState | None = None

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        self.shown = state

    async def snapshot(self) -> dict[str, Any]:
        """There is nothing before the first look."""
        return {}

    async def restore(self, snapshot: dict[str, Any]) -> None:  # noqa: ARG002 - nothing was read
        """Show nothing: Home Assistant then shows the light as unknown."""
        self.shown = None


@asynccontextmanager
async def _open(_options: Settings, _around: Surroundings) -> AsyncIterator[Light]:
    yield VirtualLight()


KIND = Kind(
    name="virtual",
    options=Settings,
    open=_open,
    effects=frozenset(Effect),
    shines=False,
)
