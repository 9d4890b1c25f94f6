"""A broker in memory that keeps MQTT's rules, and a log of all that was published on it.

Sections are those of MQTT 5 unless said otherwise; what the standards leave open is as Mosquitto
does it, or a choice of ``Nature``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from bridge.broker.limits import size
from bridge.broker.session import Limits, ProtocolVersion, Received, Refusal
from bridge.contract.wire import Message

V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311
UNSUPPORTED_PROTOCOL, TAKEN_OVER, NOT_AUTHORIZED, SERVER_BUSY = 0x84, 0x8E, 0x87, 0x89
TOO_LARGE, NO_RETAIN, NO_SUCH_QOS = 0x95, 0x9A, 0x9B
WILL_DELAY_S, SESSION_EXPIRY_S = 5.0, 30.0
"""What a CONNECT of ours says under 5."""


@dataclass(frozen=True, slots=True)
class Nature:
    """How this broker is."""

    speaks_5: bool = True
    tells_takeover: bool = True
    """Whether it gives a reason when another client takes a client id (Mosquitto 2.0 does not)."""
    sends_will_at_takeover: bool = True
    """A clean start ends the session before, and with it the wait for its will (3.1.2.5)."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Published:
    """One publish that the broker accepted."""

    at_s: float
    client_id: str
    topic: str
    payload: bytes
    retain: bool


@dataclass(slots=True)
class _Stored:
    payload: bytes
    ends_s: float | None


class Link:
    """The broker's side of one connection."""

    def __init__(
        self, client_id: str, version: ProtocolVersion, will: Message | None, broker: MemoryBroker
    ) -> None:
        self.client_id, self.version, self.will, self._broker = client_id, version, will, broker
        self.subscriptions: dict[str, bool] = {}
        """Filters, and whether own messages are kept from them (3.8.3.1, No Local)."""
        self.refused: set[str] = set()
        """Filters that it wanted and has not got."""
        self.refused_s = float("-inf")
        """When something was refused last."""
        self.arrive: Callable[[Received], None] = lambda _: None
        self.ended: Callable[[int | None], None] = lambda _: None
        """Called when the broker ends the connection, with its reason code."""

    def subscribe(self, topic_filter: str, *, commands: bool, own: bool = False) -> int | None:
        """Subscribe; the code of a refusal."""
        if code := self._broker.refuses(topic_filter):
            self.refused.add(topic_filter)
            return code
        self.refused.discard(topic_filter)
        self.subscriptions[topic_filter] = own and self.version is V5
        if not (commands and self.version is V5):  # retain handling is new in 5 (3.8.3.1)
            for topic, payload in self._broker.stored(topic_filter):
                self.arrive(Received(topic, payload, retain=True))
        return None

    def publish(self, message: Message) -> Refusal | None:
        """Publish; what the broker says against it.

        Under 3.1.1 a broker drops in silence, and nobody can ever know: this one does not.
        """
        if self.version is V5 and (code := self._broker.forbids(message)):
            self._broker.breaches.append(f"{self.client_id} sent {message.topic} against {code:#x}")
            self._broker.kick(self.client_id, code)
            return None
        if self.version is V5 and (code := self._broker.refuses(message.topic)):
            self.refused_s = self._broker.now_s
            reason = "Not authorized" if code == NOT_AUTHORIZED else "Quota exceeded"
            return Refusal(message, code, reason)
        expiry_s = message.expiry_s if self.version is V5 else None
        self._broker.publish(
            message.topic,
            message.payload,
            retain=message.retain,
            expiry_s=expiry_s,
            client_id=self.client_id,
        )
        return None

    def wants(self, topic: str, *, own: bool = False) -> bool:
        """Whether one of the subscriptions matches, of those that want own messages too."""
        return any(
            matches(topic_filter, topic) and not (own and kept)
            for topic_filter, kept in self.subscriptions.items()
        )


class MemoryBroker:
    """What is stored, who is connected, and whose will waits."""

    def __init__(self, nature: Nature | None = None) -> None:
        self.nature = nature or Nature()
        self._stored: dict[str, _Stored] = {}
        self._links: dict[str, Link] = {}
        self._wills: dict[str, tuple[asyncio.TimerHandle, Link]] = {}
        self._refusing: dict[str, int] = {}
        self.up = True
        self.deaf: set[str] = set()
        """Clients whose subscriptions it has forgotten, as a cluster may after a loss."""
        self.watchers: list[Callable[[Published], None]] = []
        self.breaches: list[str] = []
        """What went above an announced limit."""
        self.mistakes: list[Exception] = []
        """Errors of those who watch."""
        self.connects: list[tuple[float, str]] = []

    def accept(self, client_id: str, version: ProtocolVersion, will: Message | None) -> Link | int:
        """A connection, or the code of a refusal. The old one with that client id ends (3.1.4)."""
        if version is V5 and not self.nature.speaks_5:
            return UNSUPPORTED_PROTOCOL
        if version is V5 and will and (code := self.forbids(will)):
            return code
        if old := self._links.pop(client_id, None):
            told = self.nature.tells_takeover and old.version is V5
            old.ended(TAKEN_OVER if told else None)
            self._publish_will(old)
        elif waiting := self._wills.pop(client_id, None):
            waiting[0].cancel()
            if self.nature.sends_will_at_takeover:
                self._publish_will(waiting[1])
        self.deaf.discard(client_id)
        self._links[client_id] = link = Link(client_id, version, will, self)
        self.connects.append((self.now_s, client_id))
        return link

    def forbids(self, message: Message) -> int | None:
        """The code against a publish or will above an announced limit (3.2.2.3)."""
        limits = self.nature.limits
        if message.qos > limits.maximum_qos:
            return NO_SUCH_QOS
        if message.retain and not limits.retain_available:
            return NO_RETAIN
        most = limits.maximum_packet_size
        return TOO_LARGE if most is not None and size(message) > most else None

    def lose(self, link: Link) -> None:
        """The connection ended without DISCONNECT: the will follows, under 5 after its delay."""
        if self._links.get(link.client_id) is not link:
            return
        del self._links[link.client_id]
        if link.version is V5:
            wait_s = min(WILL_DELAY_S, SESSION_EXPIRY_S)
            loop = asyncio.get_running_loop()
            self._wills[link.client_id] = loop.call_later(wait_s, self._will_is_due, link), link
        else:
            self._publish_will(link)

    def leave(self, link: Link) -> None:
        """The client said DISCONNECT: there is no will any more (3.1.2.5)."""
        if self._links.get(link.client_id) is link:
            del self._links[link.client_id]

    @property
    def is_well(self) -> bool:
        """Whether it does all that a broker does."""
        return self.up and not self._refusing and not self.deaf

    def is_linked(self, client_id: str) -> bool:
        """Whether it counts the client as connected."""
        return client_id in self._links

    def link_of(self, client_id: str) -> Link | None:
        """The connection of a client, as far as the broker knows."""
        return self._links.get(client_id)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expiry_s: float | None = None,
        client_id: str = "somebody",
    ) -> None:
        """Store and pass on; an empty payload ends what is stored (3.3.1.3)."""
        if retain and payload:
            ends_s = None if expiry_s is None else self.now_s + expiry_s
            self._stored[topic] = _Stored(payload, ends_s)
        elif retain:
            self._stored.pop(topic, None)
        for link in list(self._links.values()):
            own = link.client_id == client_id
            if link.client_id not in self.deaf and link.wants(topic, own=own):
                link.arrive(Received(topic, payload, retain=False))
        published = Published(self.now_s, client_id, topic, payload, retain)
        for watch in self.watchers:
            try:
                watch(published)
            except Exception as error:  # noqa: BLE001 - it is ours, and not the publisher's
                self.mistakes.append(error)

    def stored(self, topic_filter: str = "#") -> Iterator[tuple[str, bytes]]:
        """What is stored and has not expired (3.3.2.3.3), in the order of arrival."""
        now_s = self.now_s
        for topic, stored in list(self._stored.items()):
            if stored.ends_s is not None and stored.ends_s <= now_s:
                del self._stored[topic]
            elif matches(topic_filter, topic):
                yield topic, stored.payload

    def retained(self, topic: str) -> bytes | None:
        """What is stored on one topic."""
        stored = self._stored.get(topic)
        if stored is None or (stored.ends_s is not None and stored.ends_s <= self.now_s):
            return None
        return stored.payload

    def refuse(self, topic_filter: str, code: int | None) -> None:
        """Refuse what matches from now on, or with ``None`` no more."""
        if code is None:
            self._refusing.pop(topic_filter, None)
        else:
            self._refusing[topic_filter] = code

    def refuses(self, topic: str) -> int | None:
        """The code with which a topic or filter is refused now."""
        for topic_filter, code in self._refusing.items():
            if topic == topic_filter or matches(topic_filter, topic):
                return code
        return None

    def go(self) -> None:
        """Go down: all connections end and nobody's will is published, since nobody could."""
        self.up = False
        for waiting, _ in self._wills.values():
            waiting.cancel()
        self._wills.clear()
        links, self._links = list(self._links.values()), {}
        for link in links:
            link.ended(None)

    def come(self, *, with_memory: bool = True) -> None:
        """Come back, with what was stored or with nothing."""
        self.up = True
        if not with_memory:
            self._stored.clear()

    def kick(self, client_id: str, code: int | None = None) -> None:
        """End one connection, as an administrator or an overloaded broker does."""
        if link := self._links.get(client_id):
            link.ended(code)
            self.lose(link)

    def _will_is_due(self, link: Link) -> None:
        self._wills.pop(link.client_id, None)
        self._publish_will(link)

    def _publish_will(self, link: Link) -> None:
        if will := link.will:
            self.publish(will.topic, will.payload, retain=will.retain, client_id=link.client_id)

    @property
    def now_s(self) -> float:
        """Virtual seconds."""
        return asyncio.get_running_loop().time()


@lru_cache(maxsize=20_000)
def matches(topic_filter: str, topic: str) -> bool:
    """Whether ``topic`` is among those that the filter names (4.7.1)."""
    levels, wanted = topic.split("/"), topic_filter.split("/")
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        if len(levels) < len(wanted):
            return False
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(
        want in ("+", level) for want, level in zip(wanted, levels, strict=True)
    )
