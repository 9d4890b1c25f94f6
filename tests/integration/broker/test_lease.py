"""Two nodes of one ``[standby]`` on a real broker: one serves, the other waits and takes over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial

import pytest

from bridge.broker import Broker, Lease
from bridge.broker.lease import LISTEN_S, Leader, leader_of
from bridge.broker.reconnect import Reconnecting
from bridge.broker.session import ConnectionFailedError, Limits
from bridge.broker.takeover import GONE_S, NOBODY_S, STORED_S
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import Announced
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import CLIENT_ID, STATE, settings, until

LEADER, HEALTH = "presence/bridge/leader", "presence/bridge/health"
TWIN = "another bridge is called 'a' too: give each its own [standby] node"
FACT = Message("presence/account/alice/state", b"{}")


class Node:
    """One bridge; its clock runs ``advance`` by ``advance``. ``disk`` is what outlives it."""

    def __init__(
        self, name: str, port: int, disk: list[Leader] | None = None, *, random: float = 0.0
    ) -> None:
        self.clock, self.epoch, self.began = ManualClock(), 0, list[bool]()
        disk = [] if disk is None else disk
        self.lease = Lease(
            name,
            Topics(),
            next_epoch=self._next,
            begin=self._begin,
            end=self.began.clear,
            clock=self.clock,
            store=disk.append,
        )
        self.lease.remember(disk[-1] if disk else None)
        self.broker = Broker(
            settings(port),
            client_id=CLIENT_ID,
            state_topic=STATE,
            welcome=lambda: [FACT],
            lease=self.lease,
            clock=self.clock,
            random=lambda: random,
        )

    def _next(self, seen: int) -> int:
        self.epoch = max(self.epoch, seen) + 1
        return self.epoch

    async def _begin(self, is_anew: bool) -> None:  # noqa: FBT001 - as ``Lease`` says
        self.began.append(is_anew)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.broker.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def waits(self) -> None:
        await until(lambda: self.broker.standby)
        await self.rest(STORED_S)

    async def rest(self, seconds: float) -> None:
        """Let a sleep of ``seconds`` pass, once it has begun."""
        await until(lambda: self.clock.next_wake_s == pytest.approx(seconds))
        await self.clock.advance(seconds)

    async def serves(self, after_s: float) -> None:
        await self.waits()
        await self.rest(after_s - STORED_S)
        await self.rest(LISTEN_S)
        await until(lambda: self.broker.connects)


async def test_one_serves_the_other_waits_and_takes_over(mosquitto: Mosquitto) -> None:
    a, b = Node("a", mosquitto.port), Node("b", mosquitto.port)
    async with b.running():
        async with a.running():
            await a.serves(NOBODY_S[0])
            await b.waits()
            await until(lambda: waits_for("a", b))
            assert f"as {CLIENT_ID}-standby-b-00000000" in mosquitto.log
            assert not b.broker.connected
            assert not b.began
        await b.rest(GONE_S[0])
        await b.rest(LISTEN_S)
        await until(lambda: b.broker.connects)
        assert b.began == [True]
        async with subscriber(mosquitto.port) as mqtt:
            await mqtt.until_text(STATE, "online")
            said = (await mqtt.until(LEADER, lambda heard: bool(heard.payload))).json
            assert (said["node"], said["epoch"]) == ("b", 2)
        assert not b.broker.problems


async def test_who_served_last_comes_back_at_once(mosquitto: Mosquitto) -> None:
    disk: list[Leader] = []
    first = Node("a", mosquitto.port, disk)
    async with first.running():
        await first.serves(NOBODY_S[0])
    anew = Node("a", mosquitto.port, disk)
    async with anew.running():
        await anew.waits()
        await anew.rest(LISTEN_S)
        await until(lambda: anew.broker.connects)
        assert anew.epoch == 2


def waits_for(serving: str, node: Node) -> bool:
    return node.broker.standby == f"standby: {serving} serves, this node ({node.lease.node}) waits"


async def test_two_who_wait_under_one_name_leave_each_other_in_peace(mosquitto: Mosquitto) -> None:
    b = Node("b", mosquitto.port)
    first, twin = (Node("a", mosquitto.port, random=random) for random in (0.0, 0.5))
    async with AsyncExitStack() as later:
        async with b.running():
            await b.serves(NOBODY_S[0])
            for node in (first, twin):
                await later.enter_async_context(node.running())
                await node.waits()
                await until(partial(waits_for, "b", node))
        await first.rest(GONE_S[0])
        await first.rest(LISTEN_S)
        await until(lambda: first.broker.connects)
        first.broker.publish(Message(HEALTH, b"1"))
        await until(lambda: TWIN in twin.broker.problems)
        assert not twin.began
        assert mosquitto.log.count(f"as {CLIENT_ID}-standby-a-") == 2, "each has looked once"


async def test_a_broker_that_names_its_clients_and_does_not_say_so_is_found_out(
    clock: ManualClock,
) -> None:
    """As Mosquitto with ``use_username_as_clientid``, where each who looks ends who serves."""
    reconnecting = Reconnecting(settings(1), CLIENT_ID, node="a", clock=clock, random=lambda: 0.0)
    for looks in range(1, 4):
        assert not any("[standby]" in each for each in reconnecting.problems), looks
        reconnecting.greeting_beside()
        assert reconnecting.accepted_beside(Limits())
        reconnecting.ended(ConnectionFailedError("the connection ended"))
    assert "[standby] cannot work there" in next(reconnecting.problems)


async def test_whoever_comes_under_the_name_of_who_serves_waits_and_says_so(
    mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture
) -> None:
    first, twin = Node("a", mosquitto.port), Node("a", mosquitto.port)
    async with first.running(), subscriber(mosquitto.port) as mqtt:
        await first.serves(NOBODY_S[0])
        async with twin.running():
            await twin.waits()
            await until(lambda: twin.lease.other)
            assert not twin.broker.problems, "what is stored may be its own, with its folder lost"
            for beat in ("1", "2"):
                first.broker.publish(Message(HEALTH, beat.encode()))
                await mqtt.until_text(HEALTH, beat)
            await until(lambda: TWIN in twin.broker.problems)
            assert twin.broker.standby == "standby: a serves, this node (a) waits"
            assert caplog.text.count(TWIN) == 1
            assert (first.broker.connects, first.broker.problems) == (1, ())
            assert not twin.began


async def test_a_twin_takes_over_when_the_first_is_gone_and_keeps_the_place(
    mosquitto: Mosquitto,
) -> None:
    first, twin, disk = Node("a", mosquitto.port), Node("a", mosquitto.port), list[Leader]()
    async with AsyncExitStack() as later:
        async with first.running():
            await first.serves(NOBODY_S[0])
            disk.append(first.lease.leader or Leader("", 0))
            await later.enter_async_context(twin.running())
            await twin.waits()
            await until(lambda: twin.lease.other)
        await twin.rest(GONE_S[0])
        await twin.rest(LISTEN_S)
        await until(lambda: twin.broker.connects)
        anew = Node("a", mosquitto.port, disk)
        async with anew.running():
            await anew.waits()
            await until(lambda: anew.broker.standby.startswith("standby: a serves"))
            assert not anew.began
        assert twin.broker.connects == 1


async def test_whose_epoch_is_higher_comes_back_where_the_broker_has_forgotten(
    mosquitto: Mosquitto,
) -> None:
    a, b = Node("a", mosquitto.port), Node("b", mosquitto.port)
    b.epoch = 7  # as by a clock that is far ahead
    b.lease.remember(Leader("b", 7))
    async with a.running():
        await a.serves(NOBODY_S[0])
        async with b.running():
            await b.waits()
            await b.rest(LISTEN_S)
            await until(lambda: b.broker.connects)
            assert b.epoch == 8
            await a.clock.advance(GONE_S[1])  # it was thrown out, and tries anew
            await until(lambda: a.broker.standby == "standby: b serves, this node (a) waits")
            assert b.broker.connects == 1


async def test_who_has_heard_of_a_higher_epoch_goes_above_it_though_the_broker_has_forgotten(
    mosquitto: Mosquitto,
) -> None:
    a, b = Node("a", mosquitto.port), Node("b", mosquitto.port)
    b.epoch = 7
    async with AsyncExitStack() as later:
        async with b.running(), subscriber(mosquitto.port) as mqtt:
            await b.serves(NOBODY_S[0])
            await later.enter_async_context(a.running())
            await a.waits()
            await until(lambda: a.lease.other)
            await mqtt.publish(LEADER, b"", retain=True)
        await a.rest(GONE_S[0])
        await a.rest(LISTEN_S)
        await until(lambda: a.broker.connects)
        assert a.epoch == 9
        assert a.began == [True]


async def test_a_broker_that_names_its_clients_is_refused_with_the_reason() -> None:
    async with strict() as broker:
        broker.announces = Announced(client_id="user-7")
        node = Node("a", broker.port)
        async with node.running():
            await until(lambda: node.broker.problems)
            assert "[standby] cannot work there" in node.broker.problems[0]
            assert not node.began


async def test_who_may_not_look_waits_and_says_so() -> None:
    async with strict() as broker:
        broker.suback_code = 0x87
        node = Node("a", broker.port)
        async with node.running():
            await until(lambda: node.broker.problems)
            assert "does not let it see who serves" in node.broker.problems[0]
            assert not node.began


@pytest.mark.parametrize(
    "payload", [b"", b"x", b"{}", b'{"node":"a","epoch":true}', b'{"node":"a","epoch":9e99}']
)
def test_what_no_node_wrote_names_nobody(payload: bytes) -> None:
    assert leader_of(payload) is None


def test_a_leader_is_read_as_it_is_written() -> None:
    leader = Leader("a", 7, "2026-11-27T06:00:00+00:00")
    assert leader_of(leader.payload) == leader
