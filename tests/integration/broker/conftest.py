"""Our end of a broker connection, and brokers that misbehave, on clocks that tests move."""

from __future__ import annotations

import asyncio
import gc
import re
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest

from bridge.broker import Broker, Received
from bridge.broker.connection import connect
from bridge.broker.session import Greeting, ProtocolVersion, Session
from bridge.broker.takeover import NOBODY_S
from bridge.config.tables.shared import MqttSettings
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, running

DEADLINE_S = 30.0
CLIENT_ID = "presence-bridge"
STATE = "presence/bridge/state"
CONFIG = Message("homeassistant/device/presence_bridge/config", b'{"device":{}}')
FACT = Message("presence/account/alice/state", b'{"busy":"OFF"}')


HURRY = 50
T = TypeVar("T")


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose deadlines pass ``hurry`` times as fast; sockets stay as they are."""

    def __init__(self, hurry: float) -> None:
        super().__init__(_HurriedSelector(hurry))
        self.hurry = hurry

    def time(self) -> float:
        return super().time() * self.hurry


class _HurriedSelector(selectors.DefaultSelector):
    def __init__(self, hurry: float) -> None:
        super().__init__()
        self._hurry = hurry

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self._hurry if timeout else timeout)


def run_hurried(scenario: Coroutine[Any, Any, T], *, hurry: float = HURRY) -> T:
    """Run what meets deadlines of many seconds, in much less."""
    with asyncio.Runner(loop_factory=lambda: HurriedLoop(hurry)) as runner:
        return runner.run(scenario)


def patience_s() -> float:
    """How long a test waits before it fails, in the time of the running loop."""
    loop = asyncio.get_running_loop()
    return DEADLINE_S * loop.hurry if isinstance(loop, HurriedLoop) else DEADLINE_S


async def until(condition: Callable[[], Any]) -> None:
    """Wait for what happens on the other side of a socket."""
    try:
        async with asyncio.timeout(patience_s()):
            while not condition():  # noqa: ASYNC110 - the other side has no event for us
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError("it did not happen in time") from None


def settings(port: int, **more: Any) -> MqttSettings:
    return MqttSettings(host="127.0.0.1", port=port, **more)


class Link:
    """A running ``Broker`` that greets with ``facts``; the task is ended with the block."""

    def __init__(
        self,
        settings: MqttSettings,
        clock: ManualClock,
        *,
        client_id: str = CLIENT_ID,
        state: str = STATE,
        version: ProtocolVersion | None = None,
        welcome: Callable[[], Iterator[Message]] | None = None,
        acknowledged: Callable[[Message], None] | None = None,
        random: float = 1.0,
    ) -> None:
        self.clock = clock
        if version:
            chosen = "3.1.1" if version is ProtocolVersion.V311 else "5"
            settings = settings.model_copy(update={"protocol": chosen})
        self.facts: list[Message] = [CONFIG, FACT]
        self.crowd: Iterable[Message] = []
        self.farewell: list[Message] = []
        self.acknowledged: list[Message] = []
        self.heard: list[Received] = []
        self.broker = Broker(
            settings,
            client_id=client_id,
            state_topic=state,
            welcome=welcome or (lambda: iter(self.facts)),
            backlog=lambda: iter(self.crowd),
            goodbye=lambda: list(self.farewell),
            acknowledged=acknowledged or self.acknowledged.append,
            clock=clock,
            connect=self._connect,
            random=lambda: random,
        )
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self.connecting = False
        """A try is under way: time stands still until it is seen how it ends."""

    @asynccontextmanager
    async def _connect(self, greeting: Greeting) -> AsyncIterator[Session]:
        self.connecting = True
        try:
            async with connect(greeting) as self._session:
                self.connecting = False
                yield self._session
        finally:
            self.connecting = False

    def drop(self) -> None:
        """Lose the connection as by a power cut."""
        assert self._session is not None
        self._session.drop()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.broker.run(), name="broker")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Cancel it, as a program does that ends, and wait until it is gone."""
        assert self._task is not None
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            async with asyncio.timeout(patience_s()):
                await self._task

    async def until_connected(self, times: int = 1) -> None:
        """Wait until all was sent on connection number ``times``."""
        await self.until(lambda: self.broker.connects >= times)

    async def until(self, condition: Callable[[], Any]) -> None:
        assert self._task is not None
        await until(lambda: self._task is None or self._task.done() or condition())
        assert not self._task.done(), self._task

    async def until_resting(self) -> float:
        """Wait until it has given up for now; the seconds until it tries again."""
        await self.clock.until_asleep(deadline_s=patience_s())
        assert self.clock.next_wake_s is not None
        return self.clock.next_wake_s

    async def until_lost(self) -> float:
        """Wait until a connection has ended; the seconds until it tries again."""
        await self.until(lambda: not self.broker.connected)
        return await self.until_resting()

    async def try_again(self) -> float:
        """Skip the rest before the next try; the seconds that it would have taken."""
        rest_s = await self.until_resting()
        await self.clock.advance(rest_s)
        return rest_s

    async def until_watching(self, wait_s: float = NOBODY_S[1]) -> None:
        """Wait until it looks who serves, and would serve in ``wait_s`` if nothing more came."""
        await self.until(lambda: self.clock.next_wake_s == pytest.approx(wait_s))


@pytest.fixture(autouse=True)
def _nothing_is_left_for_asyncio_to_complain_about(
    caplog: pytest.LogCaptureFixture,
) -> Iterator[None]:
    """People would read "exception was never retrieved" in their log, long after the fact."""
    yield
    gc.collect()
    records = [*caplog.get_records("call"), *caplog.records]
    assert [record.getMessage() for record in records if record.name == "asyncio"] == []


@pytest.fixture
async def mosquitto(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """Anonymous, in memory: what it knew is gone when it starts again."""
    async with running(tmp_path) as broker:
        yield broker


@pytest.fixture
async def link(mosquitto: Mosquitto, clock: ManualClock) -> AsyncIterator[Link]:
    """Connected to ``mosquitto``."""
    async with Link(settings(mosquitto.port), clock) as connecting:
        await connecting.until_connected()
        yield connecting


def packets(mosquitto: Mosquitto, client_id: str = CLIENT_ID) -> list[str]:
    """What the broker received from a client, in order: ``SUBSCRIBE topic``, ``PUBLISH topic``."""
    lines = re.compile(
        rf"Received (SUBSCRIBE|UNSUBSCRIBE|PUBLISH|DISCONNECT) from {client_id}"
        r"(?:\n\d+: \t(\S+)(?: \(QoS 1\))?| \(d0, q1, r[01], m\d+, '([^']+)')?"
    )
    return [" ".join(filter(None, found)) for found in lines.findall(mosquitto.log)]


SESSION_TAKEN_OVER = 0x8E
