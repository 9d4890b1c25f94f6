"""One short visit to the broker: ask, wait for the answer, leave. Never stays or reconnects."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence

import aiomqtt

from bridge.broker.complaint import UNSUPPORTED_PROTOCOL, complaint, reason_code
from bridge.broker.connection import MQTT5, MQTT311, Connection, Received
from bridge.config import MqttSettings
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.contract.wire import Message


async def visit(
    settings: MqttSettings,
    *,
    follow: Sequence[str] = (),
    publish: Sequence[Message] = (),
    until: Callable[[Received], bool] = lambda _: True,
    within_s: float = 10.0,
) -> list[Received]:
    """Follow topics, publish, and collect what arrives until ``until`` says that it was the last.

    Returns what came within ``within_s`` seconds, also when the last one was not among it. With
    nothing to follow it returns as soon as all is published.

    Raises:
        TryAgainError: The broker cannot be reached.
        PersonMustActError: It refuses; the text says what to check.
    """
    client_id = f"{settings.base_topic.replace('/', '_')}-visit-{os.getpid()}"
    for protocol in (MQTT5, MQTT311):
        try:
            async with Connection(settings, client_id=client_id, protocol=protocol) as connection:
                for topic_filter in follow:
                    await connection.follow(topic_filter, commands=False)
                await connection.send(publish)
                return await _collect(connection, follow, until, within_s) if follow else []
        except PermissionError as error:
            raise PersonMustActError(
                f"the broker does not let user {settings.username or 'anonymous'} follow {error}.",
                remedy="Check the broker's access rules.",
            ) from error
        except (aiomqtt.MqttError, OSError) as error:
            if protocol is MQTT5 and reason_code(error) == UNSUPPORTED_PROTOCOL:
                continue
            told = complaint(error, settings, client_id)
            if told.wait_s is None:
                raise TryAgainError(told.text) from error
            raise PersonMustActError(told.text, remedy="") from error
    raise AssertionError("the second protocol returns or raises")


async def _collect(
    connection: Connection,
    follow: Sequence[str],
    until: Callable[[Received], bool],
    within_s: float,
) -> list[Received]:
    collected: list[Received] = []
    try:
        async with asyncio.timeout(within_s):
            async for received in connection.received():
                topic = aiomqtt.Topic(received.topic)
                if not any(topic.matches(topic_filter) for topic_filter in follow):
                    continue  # amqtt also sends what is stored for the filters of others
                collected.append(received)
                if until(received):
                    break
    except TimeoutError:
        pass
    return collected
