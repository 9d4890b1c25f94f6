"""What a lamp remembers over a restart and a kill: who decides about it, and how it was found."""

from __future__ import annotations

import json
import logging
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridge.config.state_file import StateFile
from drivers.base import Capability, Kind
from drivers.manual import Mode
from drivers.taking import Found

log = logging.getLogger(__name__)

SETTLED_S = 1.0


class _Kept(Mode):
    """The file: the mode, as the last release has it alone, and what was learned of the light."""

    light: str = ""
    """Which light the rest is about."""
    capability: Capability | None = None
    found: Found | None = None
    """While the light is ours."""


class Memory:
    """The file of one lamp."""

    def __init__(self, state_dir: Path, name: str, kind: Kind[Any], options: BaseModel) -> None:
        self._file = StateFile(state_dir / "lights" / f"{name}.json")
        words = json.dumps([kind.name, options.model_dump()], sort_keys=True, default=str)
        self._light = sha256(words.encode()).hexdigest()
        self._kept = _Kept(light=self._light)

    def load(self) -> None:
        """Read the file; what another light left there is not believed of this one."""
        try:
            kept = _Kept.model_validate_json(self._file.file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValidationError):
            log.warning("%s cannot be read and is forgotten: presence is followed", self._file.file)
            return
        if kept.light != self._light:
            if kept.found:
                log.warning("%s: what another light was found like is forgotten", self._file.file)
            kept = _Kept(**_mode(kept).model_dump(), light=self._light)
        self._kept = kept

    @property
    def mode(self) -> Mode:
        """Who decides about the lamp."""
        return _mode(self._kept)

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self._keep(**mode.model_dump())

    @property
    def capability(self) -> Capability | None:
        """What the light can do, if it has told."""
        return self._kept.capability

    @capability.setter
    def capability(self, capability: Capability) -> None:
        self._keep(capability=capability)

    @property
    def found(self) -> Found | None:
        """How the light was found, while it is ours."""
        return self._kept.found

    def keep_found(self, found: Found | None) -> None:
        """Keep how the light was found, until it is given back."""
        self._keep(found=found)

    async def settled(self) -> None:
        """Wait for the disk, but not for long: a light is more than its memory."""
        await self._file.settled(SETTLED_S)

    async def close(self) -> None:
        """Wait for the disk, but not for ever."""
        await self._file.close()

    def _keep(self, **changed: Any) -> None:
        kept = self._kept.model_copy(update=changed)
        if kept != self._kept:
            self._kept = kept
            self._file.save(kept.model_dump_json())


def _mode(kept: _Kept) -> Mode:
    return Mode.model_validate(kept.model_dump(include=set(Mode.model_fields)))
