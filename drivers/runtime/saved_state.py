"""What is saved of a lamp over a restart and a kill: its mode, and how the light was found."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.config.state_file import StateFile
from drivers.base import Capability, Kind
from drivers.record import Record
from drivers.runtime.manual import Mode

log = logging.getLogger(__name__)


class Found(Record):
    """How a light was before we took it."""

    snapshot: dict[str, Any] | None = None
    """``None`` of a light that cannot be read."""


class _File(Mode):
    """The file: the mode, as the last release has it alone, and what was learned of the light."""

    light: str = ""
    """Which light the rest is about."""
    capability: Capability | None = None
    found: Found | None = None
    """While the light is ours."""
    has_bridge: bool = False
    """A bridge was heard of below our base topic."""

    @property
    def mode(self) -> Mode:
        """Who decides about the lamp."""
        return Mode.model_validate(self.model_dump(include=set(Mode.model_fields)))


class SavedState:
    """The file of one lamp, written beside the event loop."""

    def __init__(self, state_dir: Path, name: str, kind: Kind[Any], options: BaseModel) -> None:
        self.on_disk = StateFile(state_dir / "lights" / f"{name}.json")
        words = json.dumps([kind.name, options.model_dump()], sort_keys=True, default=str)
        self._light = sha256(words.encode()).hexdigest()
        self.now = _File(light=self._light)

    def load(self) -> None:
        """Read the file; what another light left there is not believed of this one."""
        try:
            file = _File.model_validate_json(self.on_disk.file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValidationError):
            log.warning(
                "%s cannot be read and is forgotten: presence is followed", self.on_disk.file
            )
            return
        if file.light != self._light:
            if file.found:
                log.warning("%s: the saved state of another light is dropped", self.on_disk.file)
            kept = file.mode.model_dump()
            file = _File(**kept, light=self._light, has_bridge=file.has_bridge)
        self.now = file

    def change(self, **changed: Any) -> None:
        """Save other values of fields of the file."""
        file = self.now.model_copy(update=changed)
        if file != self.now:
            self.now = file
            self.on_disk.save(file.model_dump_json())
