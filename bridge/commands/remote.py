"""The running service, reached by its socket on this machine, else by the broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.commands.remote_by_broker import OverBroker, by_the_broker
from bridge.commands.remote_by_socket import OverSocket, on_this_machine
from bridge.config.tables.config import Config


@asynccontextmanager
async def reached(config: Config) -> AsyncIterator[OverSocket | OverBroker]:
    """The service of ``config``. Raises as ``on_this_machine`` and ``by_the_broker``.

    What is asked of it raises ``TryAgainError`` when no answer comes, ``PersonMustActError`` for a
    refusal.
    """
    async with on_this_machine(config) as here:
        if here:
            yield here
            return
    async with by_the_broker(config) as there:
        yield there


async def ask(config: Config, command: str, **fields: str) -> Any:
    """Send the service of ``config`` one request; the data of its answer. Raises as ``reached``."""
    async with reached(config) as service:
        return await service.ask(command, **fields)
    raise AssertionError("it raises or returns")
