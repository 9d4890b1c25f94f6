"""One connection of a command: publish, wait for answers, leave."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count

from paho.mqtt.client import topic_matches_sub

from bridge.broker.connection import connect as _connect
from bridge.broker.negotiation import Negotiation
from bridge.broker.reason_codes import Kind, explain
from bridge.broker.session import (
    LARGEST_PAYLOAD,
    Connect,
    ConnectionFailedError,
    Received,
    Refusal,
    Session,
    SubscriptionRefusedError,
)
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError, PresenceBridgeError, TryAgainError
from bridge.contract.wire import Message

_visits = count()


class PublishRefusedError(Exception):
    """The broker does not take what is published."""

    def __init__(self, refused: Refusal) -> None:
        super().__init__(f"{refused.message.topic} ({refused.reason})")


@asynccontextmanager
async def visiting(
    settings: MqttSettings, *, will: Message | None = None, connect: Connect = _connect
) -> AsyncIterator[Session]:
    """One connection, to the first broker that takes us, in the version that it speaks.

    Raises:
        TryAgainError: The broker cannot be reached, or the connection ended.
        PersonMustActError: It refuses the connection or what is done with it; the text says what
            to check.
    """
    client_id = settings.client_id_of(f"visit-{os.getpid()}-{next(_visits)}")
    ways = [Negotiation(each, client_id, SystemClock()) for each in settings.brokers]
    async with AsyncExitStack() as stack:
        session, way = await _connected(ways, will, connect, stack)
        try:
            yield session
        except (SubscriptionRefusedError, PublishRefusedError) as error:
            what = "publish on" if isinstance(error, PublishRefusedError) else "subscribe to"
            raise PersonMustActError(
                f"the broker does not let user {settings.user} {what} {error}.",
                remedy="Check the broker's access rules.",
            ) from error
        except ConnectionFailedError as error:
            failed = f"broker {way.settings.address} let us in, and then failed: {error}"
            raise _in_words({way: error}, failed) from error


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
    nothing to follow it returns as soon as all is published. Raises as ``visiting``.
    """
    async with visiting(settings, connect=connect) as session:
        for topic_filter in follow:
            await session.subscribe(topic_filter, commands=False)
        for refused in await session.send(publish):
            raise PublishRefusedError(refused)
        return await collect(session, follow, until, within_s) if follow else []
    raise AssertionError("it raises or returns")


async def _connected(
    ways: Sequence[Negotiation], will: Message | None, connect: Connect, stack: AsyncExitStack
) -> tuple[Session, Negotiation]:
    """A session with the first broker that takes us, in whatever way it does."""
    failed: dict[Negotiation, ConnectionFailedError] = {}
    for way in ways:
        while way not in failed:
            try:
                return await stack.enter_async_context(connect(way.greeting(will))), way
            except ConnectionFailedError as error:
                if not way.failed(error, stood=False):
                    failed[way] = error
    raise _in_words(failed) from next(iter(failed.values()))


def _in_words(
    failed: Mapping[Negotiation, ConnectionFailedError], passing: str = ""
) -> PresenceBridgeError:
    """What ``failed`` means for people; ``passing`` says it where it passes by itself."""
    faults = [explain(error, way.settings, way.client_id) for way, error in failed.items()]
    text = "; ".join(fault.text for fault in faults)
    if any(fault.kind is not Kind.PASSES for fault in faults):
        return PersonMustActError(text, remedy="")
    return TryAgainError(passing or text)


async def collect(
    session: Session, follow: Sequence[str], until: Callable[[Received], bool], within_s: float
) -> list[Received]:
    """What arrives on topics of ``follow`` in ``within_s`` seconds, or up to the last one."""
    collected: list[Received] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            async for received in session.received():
                # amqtt also sends what is stored for the filters of others
                wanted = any(topic_matches_sub(each, received.topic) for each in follow)
                if wanted and len(received.payload) <= LARGEST_PAYLOAD:
                    collected.append(received)
                    if until(received):
                        break
    return collected
