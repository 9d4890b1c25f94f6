"""Hears everything on a broker, as any subscriber would, and waits for what a test expects."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiomqtt

from tests.fakes.tasks import end

DEADLINE_S = 30.0


@dataclass(frozen=True)
class Heard:
    topic: str
    payload: bytes
    retain: bool

    @property
    def json(self) -> Any:
        return json.loads(self.payload)

    @property
    def text(self) -> str:
        return self.payload.decode()


@dataclass
class Subscriber:
    """All messages so far; ``last`` is the newest of each topic."""

    client: aiomqtt.Client
    heard: list[Heard] = field(default_factory=list)
    last: dict[str, Heard] = field(default_factory=dict)
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _ended: BaseException | None = None

    async def listen(self) -> None:
        """Collect until the connection ends; ``until`` then says so instead of waiting."""
        try:
            await self._collect()
        except aiomqtt.MqttError as error:
            async with self._news:
                self._ended = error
                self._news.notify_all()

    async def _collect(self) -> None:
        async for message in self.client.messages:
            payload = message.payload if isinstance(message.payload, bytes) else b""
            heard = Heard(str(message.topic), payload, message.retain)
            async with self._news:
                self.heard.append(heard)
                self.last[heard.topic] = heard
                self._news.notify_all()

    async def until(
        self,
        topic: str,
        matches: Callable[[Heard], bool] = lambda _: True,
        *,
        since: int = 0,
        deadline_s: float = DEADLINE_S,
    ) -> Heard:
        """The first message on ``topic`` that ``matches``, from index ``since`` on."""
        try:
            async with asyncio.timeout(deadline_s), self._news:
                while True:
                    for heard in self.heard[since:]:
                        if heard.topic == topic and matches(heard):
                            return heard
                    if self._ended:
                        raise AssertionError("the subscriber lost its broker") from self._ended
                    await self._news.wait()
        except TimeoutError:
            told = [f"{h.topic} {h.payload[:200]!r}" for h in self.heard[since:]]
            raise AssertionError(f"nothing on {topic} as expected; heard: {told}") from None

    async def until_text(self, topic: str, text: str, *, since: int = 0) -> Heard:
        return await self.until(topic, lambda heard: heard.text == text, since=since)

    async def publish(
        self, topic: str, payload: bytes | str, *, retain: bool = False, qos: int = 1
    ) -> None:
        await self.client.publish(topic, payload, qos=qos, retain=retain)


@asynccontextmanager
async def subscriber(
    port: int, *, topic: str = "#", username: str | None = None, password: str | None = None
) -> AsyncIterator[Subscriber]:
    """Connected to the broker on ``port`` until the end of the block."""
    async with aiomqtt.Client(
        "127.0.0.1",
        port,
        username=username,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V5,
    ) as client:
        await client.subscribe(topic, qos=1)
        built = Subscriber(client)
        listening = asyncio.create_task(built.listen(), name="subscriber")
        try:
            yield built
        finally:
            await end(listening)
