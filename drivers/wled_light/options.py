"""The keys of a ``wled`` lamp."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import Settings, host_problem

_PORT = re.compile(r"(?P<host>.*):(?P<port>\d{1,5})")


def _host(value: str) -> str:
    match = _PORT.fullmatch(value)
    host = match["host"] if match else value
    problem = host_problem(host) if not host.startswith("unix:") else "is no socket here"
    if problem or ":" in host or (match and not 0 < int(match["port"]) < 65_536):  # noqa: PLR2004
        raise ValueError("must be the name or address of the WLED, as wled-desk.local or 192.0.2.8")
    return value


class WledOptions(Settings):
    """Which WLED, and which part of it."""

    host: Annotated[str, AfterValidator(_host)]
    """Its name or address, with a port where it is not 80."""
    segments: tuple[Annotated[int, Field(ge=0, le=99)], ...] = ()
    """The numbers of the segments to show it on; all when empty."""
    transition: Annotated[float, Field(ge=0, le=60)] | None = None
    """Seconds to fade from one look to the next; the strip's own habit when not given."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("segments: one is named twice")
        return self
