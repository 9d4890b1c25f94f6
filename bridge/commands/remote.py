"""Reaches the running service: on this machine by its socket, else by the broker. Does no work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.commands.remote_answers import RunningService
from bridge.commands.remote_by_broker import by_the_broker
from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.models import Config


@asynccontextmanager
async def reached(config: Config) -> AsyncIterator[RunningService]:
    """The service of ``config``. Raises as ``on_this_machine`` and ``by_the_broker``."""
    async with on_this_machine(config) as here:
        if here:
            yield here
            return
    async with by_the_broker(config) as there:
        yield there


async def ask(config: Config, command: str, account: str | None = None) -> Any:
    """Send the service of ``config`` one request; the data of its answer. Raises as ``reached``."""
    async with reached(config) as service:
        return await service.ask(command, **({"account": account} if account else {}))
    raise AssertionError("it raises or returns")
