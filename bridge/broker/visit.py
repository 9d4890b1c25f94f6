"""One short visit to the broker: ask, wait for the answer, leave. Never stays or reconnects."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from itertools import count

from paho.mqtt.client import topic_matches_sub

from bridge.broker.connection import connect as _connect
from bridge.broker.errors import explain
from bridge.broker.lessons import Lessons
from bridge.broker.reasons import Kind
from bridge.broker.session import (
    LARGEST_PAYLOAD,
    Connect,
    ConnectionFailedError,
    Received,
    Session,
    SubscriptionRefusedError,
)
from bridge.config import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.contract.wire import Message

_visits = count()


async def visit(
    settings: MqttSettings,
    *,
    follow: Sequence[str] = (),
    publish: Sequence[Message] = (),
    until: Callable[[Received], bool] = lambda _: True,
    within_s: float = 10.0,
    connect: Connect = _connect,
) -> list[Received]:
    """Follow topics, publish, and collect what arrives until ``until`` says that it was the last.

    Returns what came within ``within_s`` seconds, also when the last one was not among it. With
    nothing to follow it returns as soon as all is published.

    Raises:
        TryAgainError: The broker cannot be reached.
        PersonMustActError: It refuses; the text says what to check.
    """
    client_id = settings.client_id_of(f"visit-{os.getpid()}-{next(_visits)}")
    lessons = Lessons(settings, client_id, SystemClock())
    while True:
        stood = False
        try:
            async with connect(lessons.greeting()) as session:
                stood = True
                await _ask(session, follow, publish, user=settings.user)
                return await _collect(session, follow, until, within_s) if follow else []
        except SubscriptionRefusedError as error:
            raise PersonMustActError(
                f"the broker does not let user {settings.user} subscribe to {error}.",
                remedy="Check the broker's access rules.",
            ) from error
        except ConnectionFailedError as error:
            if lessons.failed(error, stood=stood):
                continue
            fault = explain(error, settings, lessons.client_id)
            if fault.kind is Kind.PASSES:
                raise TryAgainError(fault.text) from error
            raise PersonMustActError(fault.text, remedy="") from error


async def _ask(
    session: Session, follow: Sequence[str], publish: Sequence[Message], *, user: str
) -> None:
    for topic_filter in follow:
        await session.subscribe(topic_filter, commands=False)
    for refused in await session.send(publish):
        raise PersonMustActError(
            f"the broker does not let user {user} publish on {refused.message.topic} "
            f"({refused.reason}).",
            remedy="Check the broker's access rules.",
        )


async def _collect(
    session: Session,
    follow: Sequence[str],
    until: Callable[[Received], bool],
    within_s: float,
) -> list[Received]:
    collected: list[Received] = []
    try:
        async with asyncio.timeout(within_s):
            async for received in session.received():
                if len(received.payload) > LARGEST_PAYLOAD or not any(
                    topic_matches_sub(topic_filter, received.topic) for topic_filter in follow
                ):
                    continue  # amqtt also sends what is stored for the filters of others
                collected.append(received)
                if until(received):
                    break
    except TimeoutError:
        pass
    return collected
