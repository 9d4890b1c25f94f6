"""The file of what may be retained on the broker, so that it is removed also after a restart.

It is written before something is announced. A topic leaves it when the broker has let it go.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

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

    topics: dict[str, Components] = field(default_factory=dict)
    """Topics of tables, and those of discovery with the components of their device."""
    accounts: dict[str, None] = field(default_factory=dict)
    """Everybody who is followed, also without discovery."""
    settable: dict[str, None] = field(default_factory=dict)
    """Those of them whose presence can be set from here."""

    def add(self, other: Retained) -> None:
        """Add all of ``other``."""
        for topic, components in other.topics.items():
            before = self.topics.get(topic, components)  # and on its old platform until it is gone
            self.topics[topic] = components if before is components else components | before
        self.accounts |= other.accounts
        self.settable |= other.settable


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    base: Topic | None = None
    """The base topic; the last release did not write it."""
    topics: dict[Topic, dict[str, str]] = {}
    accounts: tuple[Slug, ...] = ()
    settable: tuple[Slug, ...] = ()
    tables: tuple[Slug, ...] = ()
    """As earlier releases wrote them, and ``fresh`` too; now their topics are among the others."""
    fresh: tuple[Slug, ...] = ()


def read_retained(file: Path, base: str) -> Retained | None:
    """What may be retained below ``base``; ``None`` when the file is missing or broken."""
    try:
        read = _File.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError):
        log.warning("%s cannot be read: looking on the broker for what was left there", file)
        return None
    topics, listed = Topics(read.base or base), dict(read.topics)
    listed |= {topics.table(table, "auth"): {} for table in read.tables}
    listed |= {topics.table(table, "fresh"): {} for table in read.fresh}
    if topics.base != base:  # the config has changed it: all of it has to go
        return Retained(listed | {topic: {} for topic in _all_topics(topics, read.accounts)})
    return Retained(listed, dict.fromkeys(read.accounts), dict.fromkeys(read.settable))


def encoded(retained: Retained, base: str) -> str:
    """The content of the file."""
    payload: dict[str, Any] = {
        "base": base,
        "topics": retained.topics,
        "accounts": list(retained.accounts),
        "settable": list(retained.settable),
    }
    return encode_json(payload).decode()


def _all_topics(topics: Topics, accounts: Iterable[str]) -> Iterator[str]:
    """Those of a bridge and of ``accounts``."""
    yield from (topics.bridge_state, topics.bridge_info, topics.bridge_health, topics.last_command)
    yield from (topics.account(account, leaf) for account in accounts for leaf in LEAVES)
