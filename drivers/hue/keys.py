"""The keys that hubs gave us when they were paired, one private file a hub.

All lamps on one hub share its file, and a hub that moved to another address keeps it: the file is
named by the hub's id, and the hub is known by its certificate. The one that it shows at pairing is
the only one accepted later (trust on first use), so pair in a network that you trust. No key is
sent to a hub that was not recognised, and none is ever in a log or an error.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridge.config.atomic_file import write_private
from bridge.contract.errors import LightRefusedError

log = logging.getLogger(__name__)


class Identity(NamedTuple):
    """A hub as it shows itself to anybody."""

    hub_id: str
    name: str
    fingerprint: str | None
    """Of its certificate; ``None`` over http."""

    def __str__(self) -> str:
        return f"{self.name} ({self.hub_id})"


class Pairing(BaseModel):
    """What was agreed with one hub."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, defer_build=True
    )

    hub_id: Annotated[str, Field(pattern=r"^[0-9a-z]{6,32}$")]
    """Of the hub itself; part of a file name, so checked."""
    key: Annotated[str, Field(min_length=1, repr=False)]
    fingerprint: str | None
    """Of its certificate (SHA-256); ``None`` for a hub that speaks http alone."""


class Pairings:
    """The pairings below one state folder."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "hue"

    def load(self) -> tuple[Pairing, ...]:
        """All pairings that can be read.

        Raises:
            LightRefusedError: The folder belongs to somebody else.
        """
        found = []
        try:
            for file in sorted(self._folder.glob("*.json")):
                try:
                    found.append(Pairing.model_validate_json(file.read_bytes()))
                except ValidationError:
                    log.warning("%s cannot be read: pair with that hub again", file)
        except OSError as error:
            raise self._refused(error) from error
        return tuple(found)

    def stamp(self) -> tuple[tuple[str, int], ...]:
        """Another one when a pairing was added or replaced; never raises."""
        with suppress(OSError):
            files = sorted(self._folder.glob("*.json"))
            return tuple((file.name, file.stat().st_mtime_ns) for file in files)
        return ()

    def save(self, pairing: Pairing) -> None:
        """Keep ``pairing`` (mode 0600) in place of an older one with the same hub.

        Raises:
            LightRefusedError: The folder cannot be written.
        """
        try:
            write_private(self._folder / f"{pairing.hub_id}.json", pairing.model_dump_json())
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: OSError) -> LightRefusedError:
        return LightRefusedError(
            f"{self._folder}: {error.strerror}.",
            remedy="Give state_dir to the user that runs the driver.",
        )
