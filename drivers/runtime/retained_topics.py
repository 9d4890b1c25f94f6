"""Removes a lamp's retained topics: those it published on before, or all when it is forgotten.

A file names them. Discovery of one lamp is on the same topic below every base topic, and is emptied
once when that has changed: Home Assistant keeps the entities of a device that only changes its
names (documentation, "MQTT Discovery").
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from bridge.broker import Connect, visit
from bridge.broker.connection import connect as mqtt
from bridge.config.state_file import StateFile
from bridge.config.tables.shared import HostConfig
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from drivers.record import Record
from drivers.runtime.heartbeat import heartbeat_of

log = logging.getLogger(__name__)

LEAVES = ("availability", "state", "rule", "why", "set")
"""``set`` too: somebody may have stored a command there."""
_ENDING = ".topics.json"
_ANSWER_S = 2.0


class _File(Record):
    instance: str
    topics: tuple[str, ...]
    gone: tuple[str, ...] = ()
    """What the broker has still to empty."""


def all_topics(topics: Topics, name: str) -> list[str]:
    """All on which something of the lamp called ``name`` may be stored; its own state is last."""
    leaves = (topics.light(name, leaf) for leaf in LEAVES)
    return [topics.light_config(name), *leaves, topics.driver_state(name)]


def file_of(config: HostConfig, name: str) -> Path:
    """The file that names the topics of the lamp called ``name``."""
    return config.state_dir / "lights" / f"{name}{_ENDING}"


class RetainedTopics:
    """The file of one lamp, and what has to be emptied."""

    def __init__(self, config: HostConfig, name: str) -> None:
        self._lamps = {*config.drivers, name}
        self._topics, self.on_disk = config.topics, StateFile(file_of(config, name))
        self._config = self._topics.light_config(name)
        self._now = all_topics(self._topics, name)
        if not config.homeassistant.enabled:
            self._now.remove(self._config)
        self._gone: dict[str, None] = {}

    def load(self) -> None:
        """Find what has to go, name who has left it behind, and save where the lamp publishes."""
        for file in sorted(self.on_disk.file.parent.glob(f"*{_ENDING}")):
            other = file.name.removesuffix(_ENDING)
            if other not in self._lamps:
                log.info("%s is no longer in the config: presence-driver forget %s", other, other)
        before = _File(instance=self._topics.instance, topics=())
        try:
            before = _File.model_validate_json(self.on_disk.file.read_bytes())
        except FileNotFoundError:
            pass
        except (OSError, ValidationError):
            log.warning("%s cannot be read: what it named stays on the broker", self.on_disk.file)
        gone = [*before.gone, *(topic for topic in before.topics if topic not in self._now)]
        if before.instance != self._topics.instance and self._config in before.topics:
            gone.insert(0, self._config)  # or Home Assistant reads that the others are empty
        wanted = set(self._now) - {self._config}
        self._gone = dict.fromkeys(topic for topic in gone if topic not in wanted)
        self._save()

    def removals(self) -> Iterator[Message]:
        """What empties topics that are not ours any more, until the broker has it."""
        for topic in list(self._gone):
            yield Message(topic, b"")

    def acknowledged(self, message: Message) -> None:
        """The broker has ``message``."""
        if not message.payload and message.topic in self._gone:
            del self._gone[message.topic]
            self._save()

    def _save(self) -> None:
        file = _File(
            instance=self._topics.instance, topics=tuple(self._now), gone=tuple(self._gone)
        )
        self.on_disk.save(file.model_dump_json())


async def forget(name: str, config: HostConfig, *, connect: Connect = mqtt) -> list[str]:
    """Remove all that the driver called ``name`` has stored, unless it runs; what was removed."""
    state = config.topics.driver_state(name)
    for received in await visit(config.mqtt, follow=[state], within_s=_ANSWER_S, connect=connect):
        if received.payload == ONLINE.encode():
            raise PersonMustActError(
                f"{name} runs: it would be back at once.", remedy="Stop its driver first."
            )
    removed = dict.fromkeys(all_topics(config.topics, name))
    with suppress(OSError, ValidationError):
        before = _File.model_validate_json(file_of(config, name).read_bytes())
        removed |= dict.fromkeys([*before.topics, *before.gone])  # also below another base topic
    await visit(config.mqtt, publish=[Message(topic, b"") for topic in removed], connect=connect)
    mode, heartbeat = config.state_dir / "lights" / f"{name}.json", heartbeat_of(name)
    for file in (mode, file_of(config, name), config.state_dir / heartbeat):
        with suppress(OSError):  # another host's, or nobody's
            file.unlink()
    return list(removed)
