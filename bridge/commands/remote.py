"""Asks the running service: by its socket on this machine, else by the broker."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from bridge.broker import PublishRefusedError, Received, Session, visiting
from bridge.broker.session import ConnectionFailedError
from bridge.commands.remote_by_socket import (
    ANSWER_S,
    OverSocket,
    data_of,
    on_this_machine,
    read_sign_in,
)
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, Way
from bridge.contract.errors import ContractError, TryAgainError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json

_requests = count(1)


@asynccontextmanager
async def reached(config: Config) -> AsyncIterator[OverSocket | OverBroker]:
    """The service of ``config``. Raises as ``on_this_machine`` and ``visiting``.

    What is asked of it raises ``TryAgainError`` when no answer comes, ``PersonMustActError`` for a
    refusal.
    """
    async with on_this_machine(config) as here:
        if here:
            yield here
            return
    async with visiting(config.mqtt) as session:
        service = OverBroker(session, config.topics)
        receiving = asyncio.create_task(service.receive(), name="receive")
        try:
            yield service
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})


async def ask(config: Config, command: str, **fields: str) -> Any:
    """Send the service of ``config`` one request; the data of its answer. Raises as ``reached``."""
    async with reached(config) as service:
        return await service.ask(command, **fields)
    raise AssertionError("it raises or returns")


class OverBroker:
    """The service, as it answers on ``bridge/response/…``; ``receive`` must run meanwhile."""

    def __init__(self, session: Session, topics: Topics) -> None:
        self._session, self._topics = session, topics
        self._answers: dict[str, asyncio.Future[Mapping[str, Any]]] = {}
        """Awaited, by the transaction of the request."""
        self._auth: asyncio.Queue[Received | ConnectionFailedError] = asyncio.Queue()

    async def ask(self, command: str, **fields: str) -> Any:
        """Send one request; the data of its answer."""
        transaction = f"cli-{os.getpid()}-{next(_requests)}"
        payload = encode_json({**fields, "transaction": transaction})
        request = Message(self._topics.request(command), payload, retain=False)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[transaction] = answer
        try:
            await self._session.subscribe(self._topics.response(command), commands=False)
            for refused in await self._session.send([request]):
                raise PublishRefusedError(refused)
            async with asyncio.timeout(ANSWER_S):
                return data_of(await answer)
        except TimeoutError:
            raise TryAgainError(
                "the running service did not answer: is it connected to the broker?"
            ) from None
        finally:
            del self._answers[transaction]

    async def sign_in(self, slug: str, way: Way) -> AsyncGenerator[SignIn, None]:
        """Begin to sign in; each state of it.

        What is stored is old, unless it is a code that still waits. People who are read together
        have one sign-in, on the topic of their table.
        """
        for topic in (self._topics.table(slug, "auth"), self._topics.account(slug, "auth")):
            await self._session.subscribe(topic, commands=False)
        await self.ask("signin", account=slug, way=way.value)
        arrived = [self._auth.get_nowait() for _ in range(self._auth.qsize())]
        stored = [it for it in arrived if isinstance(it, Received) and it.retain]
        news = [message for message in arrived if message not in stored] or arrived[-1:]
        while True:
            for message in news:
                if isinstance(message, ConnectionFailedError):
                    raise message
                sign_in = read_sign_in(message.payload)
                if sign_in.waits or not message.retain:
                    yield sign_in
            news = [await self._auth.get()]

    async def receive(self) -> None:
        """Hand on what arrives, until cancelled."""
        try:
            async for received in self._session.received():
                self._take(received)
        except ConnectionFailedError as error:
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(error)
            self._auth.put_nowait(error)

    def _take(self, received: Received) -> None:
        if received.topic.endswith("/auth"):
            self._auth.put_nowait(received)
            return
        try:
            fields = decode_json(received.payload)
        except ContractError:
            return
        answer = self._answers.get(str(fields.get("transaction")))
        if answer and not answer.done():
            answer.set_result(fields)
