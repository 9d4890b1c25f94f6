"""The keys that hubs gave us, and where the hub of each lamp was last.

One private file a hub. All lamps on it share the file, and a hub that moved to another address
keeps it: the file is named by the hub's id, and the hub is recognised by its certificate. The one
that it shows at pairing is the only one accepted later (trust on first use), so pair in a network
that you trust. No key is sent to a hub that was not recognised, and none is in a log or an error.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationError

from bridge.config.atomic_file import write_private
from bridge.contract.errors import LightRefusedError
from drivers.record import Record

log = logging.getLogger(__name__)


class Pairing(Record):
    """What was agreed with one hub."""

    model_config = ConfigDict(hide_input_in_errors=True)

    hub_id: Annotated[str, Field(pattern=r"^[0-9a-z]{6,32}$")]
    """Of the hub itself; part of a file name, so checked."""
    key: Annotated[str, Field(min_length=1, repr=False)]
    fingerprint: str | None
    """Of its certificate (SHA-256); ``None`` for a hub that speaks http alone."""


class Place(Record):
    """Where the hub of one lamp was last."""

    hub: str
    """As the config says: with another one the rest is worth nothing."""
    hub_id: str
    address: str


class Pairings:
    """The pairings below one state folder, and the place of each lamp's hub."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "hue"

    def load(self) -> tuple[Pairing, ...]:
        """All pairings that can be read. Raises as ``Light.apply`` does."""
        found = []
        try:
            for file in self._files():
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
            return tuple((file.name, file.stat().st_mtime_ns) for file in self._files())
        return ()

    def save(self, pairing: Pairing) -> None:
        """Keep ``pairing`` (mode 0600) in place of an older one with the same hub."""
        try:
            write_private(self._folder / f"{pairing.hub_id}.json", pairing.model_dump_json())
        except OSError as error:
            raise self._refused(error) from error

    def place(self, lamp: str, hub: str) -> Place | None:
        """Where the hub of ``lamp`` was last; ``hub`` is what its config says."""
        with suppress(OSError, ValidationError):
            place = Place.model_validate_json((self._folder / f"{lamp}.place").read_bytes())
            return place if place.hub == hub else None
        return None

    def save_place(self, lamp: str, place: Place) -> None:
        """Remember ``place``, where that can be: it only saves a search."""
        if self.place(lamp, place.hub) != place:
            with suppress(OSError):
                write_private(self._folder / f"{lamp}.place", place.model_dump_json())

    def _files(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _refused(self, error: OSError) -> LightRefusedError:
        return LightRefusedError(
            f"{self._folder}: {error.strerror}.",
            remedy="Give state_dir to the user that runs the driver.",
        )
