"""Which broker ``presence-bridge init`` writes into a new config: the one given, or one found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from bridge.commands.terminal import say, typed_line
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import ConfigError
from bridge.contract.found_broker import FoundBroker
from bridge.service.broker_search import look_for_brokers
from bridge.setup import PASSWORD_FILE
from bridge.web.refused import MistakeError
from bridge.web.set_up.answers import broker_of

Look = Callable[[], Coroutine[Any, Any, tuple[FoundBroker, ...]]]
_QUESTION = "Which one? Its number, or Enter for one on this machine: "


def chosen_broker(
    given: str | None,
    file: Path,
    *,
    look: Look = look_for_brokers,
    typed: Callable[[str], str] = typed_line,
) -> MqttSettings | None:
    """The broker for a new ``file``; ``None`` is the one on this machine.

    What is found is asked about at a terminal, and gets nothing of ours before the bridge starts.
    Raises ``ConfigError`` where ``given`` is no address, or there is a config, which is kept.
    """
    if given is not None:
        try:
            broker = _with_user(broker_of({"host": given}))
        except MistakeError as error:
            raise ConfigError([f"--broker: {error}"]) from error
        if file.exists():
            raise ConfigError([f"--broker: {file} is there already: write host into its [mqtt]"])
        return broker
    found = () if file.exists() else asyncio.run(look())
    if not found:
        return None
    for number, each in enumerate(found, start=1):
        user = "asks for a user and password" if each.asks_who else "lets everybody in"
        say(f"{number}  {each.text}: a broker, which {user}")
    return _picked(found, typed(_QUESTION).strip())


def _picked(found: Sequence[FoundBroker], answer: str) -> MqttSettings | None:
    if not answer.isdecimal() or not 1 <= int(answer) <= len(found):
        return None
    chosen = found[int(answer) - 1]
    if chosen.asks_who:
        say(f"Make the user bridge there, with the password in {PASSWORD_FILE}, or write your own.")
    return _with_user(MqttSettings(host=chosen.host, port=chosen.port, tls=chosen.tls))


def _with_user(broker: MqttSettings) -> MqttSettings:
    own = {"username": "bridge", "password_file": Path(PASSWORD_FILE)}
    return broker.model_copy(update=own)
