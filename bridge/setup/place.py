"""Where an installation is: the folder that a home keeps, and the clone around it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.config.loader import DATA
from bridge.config.text_file import read_text

COMPOSE = ("docker-compose.yml", "docker-compose.yaml", "compose.yml", "compose.yaml")
OVERRIDES = tuple(name.replace(".y", ".override.y") for name in COMPOSE)


@dataclass(frozen=True, slots=True)
class Place:
    """``folder`` has all that a home keeps; where there is no clone, both are the same."""

    folder: Path
    beside: Path
    """Where the compose file and ``.env`` are; what is new belongs to its owner."""

    @property
    def is_clone(self) -> bool:
        """Whether an update changes what is beside the folder."""
        return self.folder != self.beside

    @property
    def composed(self) -> str:
        """What the compose file says; nothing where there is none."""
        files = (file for name in COMPOSE if (file := self.beside / name).is_file())
        return next((read_text(file) for file in files), "")

    def named(self, path: Path) -> Path:
        """``path`` as a person finds it: in a container the clone has another name."""
        return path.relative_to(self.beside)


def place_of(folder: Path) -> Place:
    """A clone keeps all of it in one folder, if its compose file is new enough to look there."""
    around = Place(folder, folder)
    if f"./{DATA}/" in around.composed:
        return Place(folder / DATA, folder)
    return around
