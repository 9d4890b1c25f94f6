"""What is announced when: on each connect, when Home Assistant starts, in turns, and at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from bridge.contract.status import Status
from bridge.contract.topics import OFFLINE, ONLINE
from bridge.contract.wire import Message
from bridge.publishing.account_messages import status_message
from bridge.publishing.account_states import EXPIRING, UNREPEATED, AccountStates
from bridge.publishing.bridge_messages import BridgeMessages
from bridge.publishing.discovery.devices import Devices
from bridge.publishing.outgoing import MANY, Outgoing
from bridge.publishing.removal.gone_accounts import Removal
from bridge.publishing.request_queue import Requests
from bridge.publishing.table_freshness import TableFreshness

GOODBYES_MOST = 10_000
"""More would not be through in the time that a stop has."""
DEVICES_A_BEAT = 20
"""So many accounts are announced again at each beat, in turn: who has erased one may be one whom
the broker does not let us hear."""
REMOVALS_FIRST = 200
"""So many removals come before ``online``; of thousands the rest comes after it."""


class Announcements:
    """Makes the messages; a device that is losing components is sent by the removal.

    ``unread`` is called for each of a large table who was not sent yet when it was their turn.
    """

    def __init__(
        self,
        outgoing: Outgoing,
        *,
        states: AccountStates,
        freshness: TableFreshness,
        bridge: BridgeMessages,
        devices: Devices,
        removal: Removal,
        requests: Requests,
        unread: Callable[[str], None],
    ) -> None:
        self._outgoing, self._topics, self._states = outgoing, outgoing.topics, states
        self._freshness, self._bridge, self._devices = freshness, bridge, devices
        self._removal, self._requests, self._unread = removal, requests, unread
        self._online = Message(outgoing.topics.bridge_state, ONLINE.encode())
        self._turn = 0

    def welcome(self) -> Iterator[Message]:
        """All that a broker without memory must get before ``online``, in order."""
        self._states.begin()
        single = self._single()
        yield from islice(self._removal.messages(), REMOVALS_FIRST)
        yield from self._of_the_bridge()
        yield from self._devices_of(single)
        yield from self._states.tables()
        for slug in single:
            yield from self._states.everything(slug)

    def backlog(self) -> Iterator[Message]:
        """The rest, which is sent after ``online``: of people who are read together."""
        yield from self._removal.messages()
        for slug in self._freshness.lost():
            yield from self._states.everything(slug)
        yield from self._freshness.sent_all(self._freshness.complete)
        by_table: dict[str, list[str]] = {}
        for slug, account in self._outgoing.followed.items():
            if account.table is not None:
                by_table.setdefault(account.table, []).append(slug)
        for table, slugs in by_table.items():
            unread: list[str] = []
            for slug in slugs:
                yield from self._devices_of([slug])
                if self._states.awaits_first_facts(slug):
                    unread.append(slug)
                else:
                    yield from self._states.in_backlog(slug)
            if unread:
                self._freshness.joins(table)
                for slug in unread:
                    self._unread(slug)
            else:
                yield from self._freshness.sent_all([table])
        self._states.end_backlog()

    def goodbye(self) -> Iterator[Message]:
        """What a clean stop leaves; of very many people only the bridge's own state."""
        for slug in islice(self._single(), MANY):
            yield status_message(self._topics, slug, Status.STOPPED)
        for slug in islice(self._outgoing.followed, GOODBYES_MOST):
            yield Message(self._topics.account(slug, "availability"), OFFLINE.encode())

    def newcomer(self, slug: str) -> Iterator[Message]:
        """About somebody who is new or has changed."""
        yield from self._devices_of([slug])
        yield from self._states.unread(slug)

    def for_homeassistant(self) -> Iterator[Message]:
        """All that Home Assistant needs when it has started."""
        yield from self._of_the_bridge()
        yield from self._states.tables()
        for slug, account in list(self._outgoing.followed.items()):
            if account.discover:
                yield from self._devices_of([slug])
                yield from self._states.everything(slug)
        yield self._online

    def beat(self) -> Iterator[Message]:
        """What is sent again every now and then; accounts and health have beats of their own.

        ``online`` too: a subscriber for whom the broker's queue was full has missed it for good.
        """
        yield from (self._online, self._bridge.info())
        yield from self._states.tables()
        for slug in self._single():
            yield from self._states.unread(slug)
        yield from self._devices_of(self._next_accounts())
        if device := self._device(self._topics.bridge_config()):
            yield device
        if self._requests.last:
            yield self._requests.last

    def unrepeated_filters(self) -> Iterator[str]:
        """Where those of our topics are that no beat repeats in time."""
        if self._devices.enabled:
            yield self._topics.device_config("+")
        shares = any(account.shares for account in self._outgoing.followed.values())
        if shares or len(self._outgoing.followed) > MANY:
            yield from (self._topics.account("+", leaf) for leaf in UNREPEATED)
        if shares:
            yield from (self._topics.account("+", leaf) for leaf in EXPIRING)

    def on(self, topic: str) -> Message | None:
        """What should stand on one of those; ``None`` on foreign ones."""
        if topic.startswith(f"{self._topics.base}/account/"):
            *_, slug, leaf = topic.split("/")
            account = self._outgoing.followed.get(slug)
            is_repeated = leaf in EXPIRING and not (account and account.shares)
            return None if is_repeated else self._states.on(topic)
        return self._device(topic)

    def _of_the_bridge(self) -> Iterator[Message]:
        device = self._device(self._topics.bridge_config())
        messages = device, self._bridge.info(), self._bridge.health(), self._requests.last
        yield from (message for message in messages if message)

    def _devices_of(self, accounts: Iterable[str]) -> Iterator[Message]:
        devices = (self._device(self._topics.account_config(slug)) for slug in accounts)
        return (device for device in devices if device)

    def _device(self, topic: str) -> Message | None:
        return None if self._removal.is_shrinking(topic) else self._devices.on(topic)

    def _single(self) -> list[str]:
        """Who has a sign-in of their own."""
        return [slug for slug, a in self._outgoing.followed.items() if a.table is None]

    def _next_accounts(self) -> Iterator[str]:
        """Whose turn it is to be announced again."""
        accounts = [slug for slug, account in self._outgoing.followed.items() if account.discover]
        for _ in range(min(DEVICES_A_BEAT, len(accounts))):
            self._turn = (self._turn + 1) % len(accounts)
            yield accounts[self._turn]
