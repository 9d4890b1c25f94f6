"""The running service, reached by its socket on this machine, else by the broker."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

from bridge.commands.remote_by_broker import by_the_broker
from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, Way


class RunningService(Protocol):
    """The running service.

    Each raises ``TryAgainError`` when no answer came, ``PersonMustActError`` for a refusal.
    """

    async def ask(self, command: str, **fields: str) -> Any:
        """Send one request of those on the broker; the data of its answer."""
        ...

    def sign_in(self, slug: str, way: Way) -> AsyncGenerator[SignIn, None]:
        """Begin to sign in; each state of it, beginning with a code that waits already."""
        ...


@asynccontextmanager
async def reached(config: Config) -> AsyncIterator[RunningService]:
    """The service of ``config``. Raises as ``on_this_machine`` and ``by_the_broker``."""
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
