"""Remembers in a file where a lamp has spoken, to empty it once it speaks elsewhere.

Never publishes. Discovery of one lamp stands on the same topic below every base topic, and is
emptied once when that has changed: Home Assistant keeps the entities of a device that only changes
its names (documentation, "MQTT Discovery").
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.config.host import HostConfig
from bridge.config.state_file import StateFile
from bridge.contract.topics import Topics
from bridge.contract.wire import Message

log = logging.getLogger(__name__)

LEAVES = ("availability", "state", "rule", "set")
"""``set`` too: somebody may have stored a command there."""
_ENDING = ".topics.json"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    instance: str
    topics: tuple[str, ...]
    gone: tuple[str, ...] = ()
    """What the broker has still to let go."""


def all_topics(topics: Topics, name: str) -> list[str]:
    """All on which something of the lamp called ``name`` may be stored; its own state is last."""
    leaves = (topics.light(name, leaf) for leaf in LEAVES)
    return [topics.light_config(name), *leaves, topics.driver_state(name)]


def file_of(config: HostConfig, name: str) -> Path:
    """Where that is remembered."""
    return config.state_dir / "lights" / f"{name}{_ENDING}"


def remembered(config: HostConfig, name: str) -> list[str]:
    """Where the lamp called ``name`` has spoken from here, also below another base topic."""
    try:
        file = _File.model_validate_json(file_of(config, name).read_bytes())
    except (OSError, ValidationError):
        return []
    return [*file.topics, *file.gone]


def left_behind(config: HostConfig, name: str) -> list[str]:
    """Lamps that have spoken from here and are in the config no more; never ``name``, who asks."""
    files = (config.state_dir / "lights").glob(f"*{_ENDING}")
    names = sorted(file.name.removesuffix(_ENDING) for file in files)
    return [other for other in names if other not in (*config.drivers, name)]


class Spoken:
    """The file of one lamp, and what has to be emptied."""

    def __init__(self, config: HostConfig, name: str) -> None:
        self._topics, self._file = config.topics, StateFile(file_of(config, name))
        self._config = self._topics.light_config(name)
        self._now = all_topics(self._topics, name)
        if not config.homeassistant.enabled:
            self._now.remove(self._config)
        self._gone: dict[str, None] = {}

    def load(self) -> None:
        """Learn what has to go, and remember where the lamp speaks now."""
        try:
            before = _File.model_validate_json(self._file.file.read_bytes())
        except FileNotFoundError:
            self._save()
            return
        except (OSError, ValidationError):
            log.warning("%s cannot be read: what it named stays on the broker", self._file.file)
            self._save()
            return
        gone = [*before.gone, *(topic for topic in before.topics if topic not in self._now)]
        if before.instance != self._topics.instance and self._config in before.topics:
            gone.insert(0, self._config)  # or Home Assistant reads that the others are empty
        wanted = set(self._now) - {self._config}
        self._gone = dict.fromkeys(topic for topic in gone if topic not in wanted)
        self._save()

    def removals(self) -> Iterator[Message]:
        """What empties all that is not ours any more, so long as the broker has not let it go."""
        for topic in list(self._gone):
            yield Message(topic, b"")

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        if not message.payload and message.topic in self._gone:
            del self._gone[message.topic]
            self._save()

    async def close(self) -> None:
        """Wait until all is written, for a short while."""
        await self._file.close()

    def _save(self) -> None:
        file = _File(
            instance=self._topics.instance, topics=tuple(self._now), gone=tuple(self._gone)
        )
        self._file.save(file.model_dump_json())
