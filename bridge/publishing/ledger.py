"""Remembers which discovery was announced, so that what vanished is removed. Never publishes.

Home Assistant keeps a component that is merely left out: it must be sent once as a bare platform,
then left out. A device goes when its config topic is emptied.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from bridge.config import write_private
from bridge.contract.wire import Message, encode_json

log = logging.getLogger(__name__)

Components = dict[str, str]
"""Component keys and their platforms."""


AccountSlug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Announced(BaseModel):
    """Discovery topics and what each of them held."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    topics: dict[str, Components] = {}
    accounts: tuple[AccountSlug, ...] = ()
    """Everybody who was followed, also without discovery."""


class Ledger:
    """The file of announced discovery."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> Announced:
        """What was announced before; nothing when the file is missing or broken."""
        try:
            return Announced.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return Announced()
        except (OSError, ValidationError):
            log.warning(
                "%s cannot be read: old entities may have to be deleted by hand", self._file
            )
            return Announced()

    def write(self, messages: Mapping[str, Message], accounts: Collection[str] = ()) -> None:
        """Remember ``messages`` (by topic) as announced, and ``accounts`` as followed."""
        announced = Announced(
            topics={t: components(m) for t, m in messages.items()}, accounts=tuple(accounts)
        )
        if announced != self.read():
            write_private(self._file, announced.model_dump_json())


def components(message: Message) -> Components:
    """The component keys and platforms in a discovery message."""
    payload: dict[str, Any] = json.loads(message.payload)
    return {key: component["platform"] for key, component in payload["components"].items()}


def farewells(announced: Announced, current: Mapping[str, Message]) -> list[Message]:
    """What removes everything that was announced and is no more.

    A vanished component is sent as a bare platform within its device's payload; the caller sends
    the final payload afterwards. A vanished device is emptied.
    """
    gone: list[Message] = []
    for topic, before in announced.topics.items():
        message = current.get(topic)
        if message is None:
            gone.append(Message(topic, b""))
            continue
        vanished = {key: name for key, name in before.items() if key not in components(message)}
        if vanished:
            payload = json.loads(message.payload)
            payload["components"] |= {key: {"platform": name} for key, name in vanished.items()}
            gone.append(Message(topic, encode_json(payload)))
    return gone
