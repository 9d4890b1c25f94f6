"""``presence-driver forget``: takes away what a lamp has left on the broker. Never stops one."""

from __future__ import annotations

from contextlib import suppress

from bridge.broker import Connect, visit
from bridge.broker.connection import connect as mqtt
from bridge.config.host import HostConfig
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import ONLINE
from bridge.contract.wire import Message
from drivers.spoken import all_topics, file_of, remembered

_ANSWER_S = 2.0


async def forget(name: str, config: HostConfig, *, connect: Connect = mqtt) -> list[str]:
    """Remove all that the driver called ``name`` has stored; what was removed, in words.

    Raises:
        PersonMustActError: It runs, or the broker refuses.
        TryAgainError: The broker cannot be reached.
    """
    topics = config.topics
    state = topics.driver_state(name)
    for received in await visit(config.mqtt, follow=[state], within_s=_ANSWER_S, connect=connect):
        if received.payload == ONLINE.encode():
            raise PersonMustActError(
                f"{name} runs: it would be back at once.", remedy="Stop its driver first."
            )
    kept = list(dict.fromkeys([*all_topics(topics, name), *remembered(config, name)]))
    await visit(config.mqtt, publish=[Message(topic, b"") for topic in kept], connect=connect)
    for file in (config.state_dir / "lights" / f"{name}.json", file_of(config, name)):
        with suppress(OSError):  # another host's, or nobody's
            file.unlink()
    return kept
