"""A publisher between a service that notes what it is asked and a broker in memory."""

from __future__ import annotations

import asyncio
import functools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from bridge.broker import Broker, Received
from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState, Way
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.health import Health
from bridge.contract.light import LightCommand
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.registration import Registration
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing import Publisher
from tests.fakes.clock import ManualClock
from tests.fakes.tasks import during

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
IN = SignIn(SignInState.SIGNED_IN)
ALICE, BOB = Followed("Alice"), Followed("Bob")


class FakeService:
    """Notes what it is asked to do; ``error`` is raised by whatever changes presence."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.config_error = False
        self.error: Exception | None = None
        self.seen_epochs: list[int] = []
        self.hangs = False
        self.gone: set[str] = set()

    def poll(self, account: str | None = None) -> None:
        self.done.append(("poll", account))

    def sign_in(self, account: str, way: Way | None = None) -> None:
        self.done.append(("sign_in", account, way))

    def finish_sign_in(self, account: str, address: str) -> None:
        if "code=" not in address:
            raise PersonMustActError("That is not the address.", remedy="Paste the other.")
        self.done.append(("finish", account, address))

    async def keep_sign_in(self, account: str) -> None:
        self.done.append(("keep", account))

    def cancel_sign_in(self, account: str) -> None:
        self.done.append(("cancel", account))

    async def sign_out(self, account: str) -> None:
        if self.error:
            raise self.error
        self.done.append(("sign_out", account))

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None = None
    ) -> str | None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error
        self.done.append((account, presence, lasts))
        return "Nobody sees it yet." if presence is PreferredPresence.BUSY else None

    async def set_status_message(
        self, account: str, text: str, lasts: timedelta | None = None
    ) -> None:
        self.done.append((account, text, lasts))

    async def set_work_location(
        self, account: str, location: PreferredLocation, place_id: str | None = None
    ) -> None:
        self.done.append(("locate", account, location, place_id))

    async def clear_presence(self, account: str) -> None:
        self.done.append(("clear", account))

    def preferred(self, account: str) -> Preferred:
        if account in self.gone:
            raise PersonMustActError(f"{account} is not followed.", remedy="Look who is.")
        return Preferred(PreferredPresence.AWAY)

    def restart(self) -> None:
        self.done.append("restart")

    def reload(self) -> list[str]:
        if self.config_error:
            raise ConfigError(["accounts.x.nmae: unknown"])
        return ["mqtt"]

    def set_log_level(self, level: str) -> None:
        if level != "debug":
            raise ValueError("level must be one of debug")
        self.done.append(("level", level))

    def log_level(self) -> str:
        return "info"

    def health(self) -> Health:
        return Health(healthy=True)

    async def add_person(self, account: str, name: str, way: Way) -> None:
        self.done.append(("add", account, name, way))

    async def remove_person(self, account: str) -> None:
        self.done.append(("remove", account))

    def registration(self, account: str) -> Registration | None:
        return None

    async def change_registration(self, account: str, wanted: Registration) -> None:
        self.done.append(("change_registration", account, wanted))

    def command_light(self, light: str, command: LightCommand) -> None:
        self.done.append(("command_light", light, command))

    def raise_epoch(self, seen: int) -> None:
        self.seen_epochs.append(seen)

    def rediscover(self) -> None:
        self.done.append("rediscover")


class FakeBroker:
    """Stores what is retained, acknowledges, and hears back; ``most`` may wait until ``drain``.

    A message on a topic that ``refuses`` holds for is neither stored nor acknowledged.
    """

    def __init__(self, stored: dict[str, bytes] | None = None, *, most: int = 10_000) -> None:
        self.most, self.connects, self.connected = most, 0, False
        self.mqtt_version = "5.0"
        self.welcome: Callable[[], Iterator[Message]]
        self.backlog: Callable[[], Iterator[Message]]
        self.goodbye: Callable[[], Iterator[Message]]
        self.acknowledged: Callable[[Message], None]
        self.refuses: Callable[[str], bool] = lambda _: False
        self.stored = {} if stored is None else stored
        self.waiting: list[Message] = []
        self.sent: list[Message] = []
        self.beats: list[Message] = []
        self.subscribed: dict[str, Callable[[Received], None]] = {}
        self._drained = asyncio.Event()

    def made(self, **callbacks: Any) -> Broker:
        """This broker, for a publisher that gives it what to send."""
        for name, callback in callbacks.items():
            setattr(self, name, callback)
        return cast(Broker, self)

    @property
    def has_room(self) -> bool:
        return len(self.waiting) < self.most

    @property
    def has_room_for_changes(self) -> bool:
        beats = sum(any(each is beat for beat in self.beats) for each in self.waiting)
        return len(self.waiting) - beats < self.most

    async def room(self) -> None:
        while not self.has_room:
            self._drained.clear()
            await self._drained.wait()

    def publish(self, message: Message, *, beat: bool = False) -> None:
        if self.connected or not message.retain:
            self.waiting.append(message)
            if beat:
                self.beats.append(message)

    def subscribe(
        self,
        topic_filter: str,
        handler: Callable[[Received], None],
        *,
        commands: bool = False,
        optional: bool = False,
    ) -> None:
        self.subscribed[topic_filter] = handler
        if self.connected and not (commands or optional):
            self._give_stored(topic_filter)

    def unsubscribe(self, topic_filter: str) -> None:
        self.subscribed.pop(topic_filter, None)

    def drain(self) -> list[Message]:
        """Let the broker have all that waits; what that was."""
        through, self.waiting = self.waiting, []
        self._take(through)
        self._drained.set()
        return through

    def connect(self) -> list[Message]:
        """What is sent on a new connection, up to ``online`` and after it."""
        self.waiting = [message for message in self.waiting if not message.retain]
        self.connected = True
        for topic_filter in list(self.subscribed):
            self._give_stored(topic_filter)
        welcome = list(self.welcome())
        self._take(welcome)
        self.connects += 1
        self._take(list(self.backlog()))
        return welcome

    def lose(self) -> None:
        """End the connection; what waits is lost."""
        self.connected, self.waiting = False, []

    def put(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Let somebody else publish."""
        self.stored[topic] = payload
        self._give(Received(topic, payload, retain))

    def _take(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.sent.append(message)
            if self.refuses(message.topic):
                continue
            if message.retain:
                self.stored[message.topic] = message.payload
                if not message.payload:
                    del self.stored[message.topic]
            self.acknowledged(message)
            self._give(Received(message.topic, message.payload, retain=False))

    def _give_stored(self, topic_filter: str) -> None:
        for topic, payload in list(self.stored.items()):
            if _fitting(topic_filter)(topic):
                self.subscribed[topic_filter](Received(topic, payload, retain=True))

    def _give(self, received: Received) -> None:
        for topic_filter, handler in list(self.subscribed.items()):
            if _fitting(topic_filter)(received.topic) and "/request/" not in topic_filter:
                handler(received)

    def ask(self, command: str, payload: bytes = b"{}") -> None:
        """Let somebody request something."""
        handler = self.subscribed["presence/bridge/request/+"]
        handler(Received(f"presence/bridge/request/{command}", payload, retain=False))

    def states(self) -> dict[str, str]:
        """Availability by account, as sent."""
        return {
            message.topic.split("/")[2]: json.loads(message.payload)["availability"]
            for message in self.sent
            if message.topic.endswith("/state") and message.payload and "account" in message.topic
        }


def facts(
    account: str,
    availability: Availability | None = Availability.AVAILABLE,
    *,
    sign_in: SignIn = IN,
    epoch: int | None = None,
) -> AccountFacts:
    known = AccountFacts(account, account.title(), sign_in=sign_in, epoch=epoch)
    if availability is None:
        return known
    return replace(
        known,
        presence=Presence(availability, Activity.AVAILABLE),
        polled_at=NOW,
        valid_until=NOW + timedelta(minutes=5),
        fresh=sign_in.state is SignInState.SIGNED_IN,
    )


class Bench:
    """One life of a bridge; ``stored`` and the folder outlive it."""

    def __init__(
        self,
        folder: Path,
        *,
        stored: dict[str, bytes] | None = None,
        most: int = 10_000,
        homeassistant: bool = True,
        base: str = "presence",
    ) -> None:
        self.clock, self.broker = ManualClock(), FakeBroker(stored, most=most)
        self.service = FakeService()
        config = Config.model_validate(
            {"state_dir": folder, "homeassistant": {"enabled": homeassistant}}
        )
        self.publisher = Publisher(
            self.broker.made,
            config=config,
            topics=Topics(base),
            service=self.service,
            raise_epoch=self.service.raise_epoch,
            clock=self.clock,
            version="1",
            random=lambda: 0.0,
        )
        self.publisher.start()

    def follow(self, *accounts: str, discover: bool = False, table: str | None = None) -> None:
        self.publisher.follow(
            {a: Followed(a.title(), discover=discover, table=table) for a in accounts}
        )

    def connect(self) -> list[Message]:
        """Make a connection; what was sent before ``online``."""
        return self.broker.connect()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the publisher until the end of the block."""
        async with during(self.publisher.run()) as task:
            await self.clock.settle()
            yield
            assert not task.done(), task.exception()

    async def pass_time(self, seconds: float) -> list[Message]:
        """Move on, letting the broker have everything meanwhile; what that was."""
        through, step_s = self.broker.drain(), 1.0 if seconds < 60 else 5.0
        for _ in range(int(seconds / step_s)):
            await self.clock.advance(step_s)
            through += self.broker.drain()
        return through

    def about(self, account: str) -> set[str]:
        """The topics about ``account`` that the broker has stored."""
        return {
            topic for topic in self.broker.stored if account in topic.replace("_", "/").split("/")
        }


@functools.cache
def _fitting(topic_filter: str) -> Callable[[str], object]:
    """What says whether a topic fits."""
    levels = map(re.escape, topic_filter.split("+"))
    return re.compile("[^/]*".join(levels)).fullmatch
