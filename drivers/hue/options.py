"""The keys of a ``hue`` lamp."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import Settings
from drivers.hue.search import HUB_ID

_ADDRESS = re.compile(r"(?:\[[0-9a-fA-F:.%\w]+\]|[^\s:/\[\]]+)(?::(?P<port>\d{1,5}))?")


def _address(value: str) -> str:
    match = _ADDRESS.fullmatch(value)
    if not match or not 0 < int(match["port"] or 1) < 65536:  # noqa: PLR2004 - a port
        raise ValueError("write an address such as 192.0.2.7, hub.lan:8443 or [fe80::1]")
    return value.lower() if HUB_ID.fullmatch(value) else value


NameOrNumber = Annotated[int, Field(ge=0)] | Annotated[str, Field(min_length=1)]
"""As the Hue app shows it, or the hub's number."""


class HueOptions(Settings):
    """One light or one group of one hub."""

    hub: Annotated[str, AfterValidator(_address)]
    """A name or an IP address, with ``:port`` where it is not the usual one, or the hub's id."""
    light: NameOrNumber | None = None
    group: NameOrNumber | None = None
    """A room, a zone or another group; 0 is all lights of the hub."""
    protocol: Literal["auto", "https", "http"] = "auto"
    """``auto`` pairs over https where the hub has it, and stays with what was paired."""
    transition: Annotated[float, Field(ge=0, le=10)] = 0.4
    """Seconds that a change of the look takes, in steps of 0.1."""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.light is None) == (self.group is None):
            raise ValueError('needs either light = "…" or group = "…"')
        return self

    @property
    def hub_id(self) -> str | None:
        """The hub's id, where it is named by that: it is then searched for."""
        return self.hub if HUB_ID.fullmatch(self.hub) else None

    @property
    def wanted(self) -> int | str:
        """The name or number of the light or group."""
        found = self.light if self.light is not None else self.group
        assert found is not None
        return found
