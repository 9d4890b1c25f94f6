"""The file of what may be retained on the broker, so that it is removed also after a restart.

It is written before something is announced. A topic leaves it when the broker has let it go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bridge.config.state_file import StateFile
from bridge.contract.topics import Topics
from bridge.contract.wire import encode_json
from bridge.publishing.discovery.devices import Components

log = logging.getLogger(__name__)

LEAVES = ("state", "attributes", "availability", "auth", "sign_in", "status", "today", "preferred")
"""All that is ever retained about an account, below its topic."""
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]
Topic = Annotated[str, StringConstraints(pattern=r"^[^+#\x00]+$")]


@dataclass
class Retained:
    """What of ours is, or should be, retained on the broker; dictionaries keep an order."""

    devices: dict[str, Components] = field(default_factory=dict)
    """Discovery topics and their components."""
    accounts: dict[str, None] = field(default_factory=dict)
    """Everybody who is followed, also without discovery."""
    settable: dict[str, None] = field(default_factory=dict)
    """Those of them whose presence can be set from here."""
    tables: dict[str, None] = field(default_factory=dict)
    """Tables whose people are read together."""
    fresh: dict[str, None] = field(default_factory=dict)
    """Those of them that say for all until when they are current."""

    def add(self, other: Retained) -> None:
        """Add all of ``other``."""
        for topic, components in other.devices.items():
            before = self.devices.get(topic, components)  # and on its old platform until it is gone
            self.devices[topic] = components if before is components else components | before
        self.accounts |= other.accounts
        self.settable |= other.settable
        self.tables |= other.tables
        self.fresh |= other.fresh


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    base: Topic | None = None
    """The base topic; the last release did not write it."""
    topics: dict[Topic, dict[str, str]] = {}
    accounts: tuple[Slug, ...] = ()
    settable: tuple[Slug, ...] = ()
    tables: tuple[Slug, ...] = ()
    fresh: tuple[Slug, ...] = ()


class RetainedFile:
    """The file of what may be retained below the base of ``topics``."""

    def __init__(self, file: Path, topics: Topics) -> None:
        self._file, self._topics = StateFile(file), topics
        self._written = ""

    def read(self) -> Retained | None:
        """What may be retained; ``None`` when the file is missing or broken."""
        file = self._file.file
        try:
            read = _File.model_validate_json(file.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError):
            log.warning("%s cannot be read: looking on the broker for what was left there", file)
            return None
        if read.base not in (None, self._topics.base):
            return Retained(read.topics | {topic: {} for topic in _elsewhere(read)})
        return Retained(
            dict(read.topics),
            dict.fromkeys(read.accounts),
            dict.fromkeys(read.settable),
            dict.fromkeys(read.tables),
            dict.fromkeys(read.fresh),
        )

    def write(self, retained: Retained) -> None:
        """Write ``retained``, soon."""
        payload: dict[str, Any] = {
            "base": self._topics.base,
            "topics": retained.devices,
            "accounts": list(retained.accounts),
            "settable": list(retained.settable),
            "tables": list(retained.tables),
            "fresh": list(retained.fresh),
        }
        text = encode_json(payload).decode()
        if text != self._written:
            self._written = text
            self._file.save(text)

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()


def _elsewhere(read: _File) -> Iterator[str]:
    """Everything of a bridge that had another base topic, which the config has changed."""
    topics = Topics(read.base or "")
    yield from (topics.bridge_state, topics.bridge_info, topics.bridge_health, topics.last_command)
    yield from (topics.table(table, "auth") for table in read.tables)
    yield from (topics.table(table, "fresh") for table in read.fresh)
    yield from (topics.account(account, leaf) for account in read.accounts for leaf in LEAVES)
