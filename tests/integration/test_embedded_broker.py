"""Real MQTT clients use the embedded broker."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from itertools import count

import aiomqtt
import pytest
from aiomqtt.exceptions import MqttConnectError

from bridge.demo.broker import EmbeddedBroker
from bridge.demo.broker import _Snapshots as Snapshots

V5, V311 = aiomqtt.ProtocolVersion.V5, aiomqtt.ProtocolVersion.V311
DEADLINE_S = 20


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as running:
        yield running


def client(
    broker: EmbeddedBroker,
    name: str,
    *,
    protocol: aiomqtt.ProtocolVersion = V311,
    will: aiomqtt.Will | None = None,
) -> aiomqtt.Client:
    return aiomqtt.Client(
        broker.host,
        broker.port,
        identifier=name,
        protocol=protocol,
        will=will,
        timeout=DEADLINE_S,
        username="anybody",
        password="anything",
    )


async def raw_client(
    broker: EmbeddedBroker, *, will: tuple[str, str] | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client without a library in between: connected, with a will if wanted."""

    def text(value: str) -> bytes:
        return len(value).to_bytes(2) + value.encode()

    flags = 0b00101110 if will else 0b00000010
    rest = text("MQTT") + bytes((4, flags, 0, 60)) + b"".join(map(text, ("raw", *(will or ()))))
    reader, writer = await asyncio.open_connection(broker.host, broker.port)
    writer.write(bytes((0x10, len(rest))) + rest)
    async with asyncio.timeout(DEADLINE_S):
        assert await reader.readexactly(4) == bytes((0x20, 2, 0, 0))
    return reader, writer


async def heard(listener: aiomqtt.Client, *, count: int = 1) -> list[tuple[str, bytes]]:
    async with asyncio.timeout(DEADLINE_S):
        found = []
        async for message in listener.messages:
            assert isinstance(message.payload, bytes)
            found.append((str(message.topic), message.payload))
            if len(found) == count:
                break
    return found


async def test_a_message_reaches_a_subscriber_and_a_retained_one_a_later_subscriber(
    broker: EmbeddedBroker,
) -> None:
    async with client(broker, "early") as early, client(broker, "talker") as talker:
        await early.subscribe("presence/#", qos=1)
        await talker.publish("presence/a", b"1", qos=1, retain=True)
        assert await heard(early) == [("presence/a", b"1")]

        async with client(broker, "late") as late:
            await late.subscribe("presence/+", qos=1)
            assert await heard(late) == [("presence/a", b"1")]


async def test_the_will_of_a_client_that_vanishes_is_published(broker: EmbeddedBroker) -> None:
    async with client(broker, "listener") as listener:
        await listener.subscribe("presence/state", qos=1)
        _, mortal = await raw_client(broker, will=("presence/state", "offline"))

        mortal.transport.abort()

        assert await heard(listener) == [("presence/state", b"offline")]


@pytest.mark.parametrize("will", [None, aiomqtt.Will("w", b"offline", qos=1, retain=True)])
async def test_mqtt_5_is_refused_at_once_with_the_reason(
    broker: EmbeddedBroker, will: aiomqtt.Will | None
) -> None:
    with pytest.raises(MqttConnectError, match="Unsupported protocol version"):
        async with asyncio.timeout(30), client(broker, "new", protocol=V5, will=will):
            pass

    async with client(broker, "new", will=will):
        pass


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"", b"\x10\xff\xff\xff\xff\xff"])
async def test_who_speaks_no_mqtt_is_dropped_and_others_are_served(
    broker: EmbeddedBroker, garbage: bytes
) -> None:
    reader, writer = await asyncio.open_connection(broker.host, broker.port)
    writer.write(garbage)
    writer.write_eof()

    async with asyncio.timeout(DEADLINE_S):
        assert await reader.read() == b""

    writer.close()
    async with client(broker, "polite"):
        pass


async def test_clients_that_come_while_others_subscribe_are_all_served(
    broker: EmbeddedBroker,
) -> None:
    async def come(number: int) -> None:
        async with client(broker, f"late-{number}") as late:
            await late.subscribe("presence/7", qos=1)
            assert await heard(late)

    async with asyncio.timeout(3 * DEADLINE_S), client(broker, "early") as early:
        for number in range(20):
            await early.publish(f"presence/{number}", b"1", qos=1, retain=True)
            await early.subscribe(f"+/{number}", qos=1)
        late = asyncio.gather(*map(come, range(10)))
        for number in count():
            await early.subscribe(f"presence/+/{number}", qos=1)
            if late.done():
                break
        await late


def test_the_table_of_subscriptions_may_change_while_somebody_reads_it() -> None:
    table = Snapshots(a=1, b=2)
    for topic in table:
        table[topic + "/more"] = 3

    assert set(table) == {"a", "b", "a/more", "b/more"}


async def test_nothing_it_does_reaches_the_user(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        async with EmbeddedBroker() as broker:
            with pytest.raises(aiomqtt.MqttError):
                async with client(broker, "new", protocol=V5):
                    pass
            async with client(broker, "old") as old:
                await old.publish("presence/a", b"1", qos=1)

    assert [record.name for record in caplog.records if record.name != "asyncio"] == []


async def test_it_stops_with_clients_connected_and_frees_its_port() -> None:
    first = await EmbeddedBroker().__aenter__()
    connected, its_writer = await raw_client(first)
    silent, silent_writer = await asyncio.open_connection(first.host, first.port)
    async with asyncio.timeout(DEADLINE_S):
        await first.__aexit__(None, None, None)
        assert await connected.read() == b""
        assert await silent.read() == b""
    its_writer.close()
    silent_writer.close()

    async with EmbeddedBroker(port=first.port) as second:
        assert second.port == first.port


async def test_it_stops_when_amqtt_never_does() -> None:
    broker = await EmbeddedBroker(shutdown_s=0.05).__aenter__()
    connected, writer = await raw_client(broker)
    assert broker._broker is not None
    broker._broker._sessions["hung"] = (None, _NeverStops())
    async with asyncio.timeout(DEADLINE_S):
        await broker.__aexit__(None, None, None)
        assert await connected.read() == b""
    writer.close()


class _NeverStops:
    async def stop(self) -> None:
        await asyncio.Event().wait()


async def test_a_taken_port_is_an_error_of_the_system(broker: EmbeddedBroker) -> None:
    with pytest.raises(OSError, match="in use"):
        await EmbeddedBroker(port=broker.port).__aenter__()


async def test_a_missing_amqtt_is_named_with_the_command_that_installs_it() -> None:
    without_amqtt = (
        "import asyncio, sys; sys.modules['amqtt'] = None\n"
        "from bridge.demo.broker import EmbeddedBroker\n"
        "from bridge.contract.errors import ConfigError\n"
        "try: asyncio.run(EmbeddedBroker().__aenter__())\n"
        "except ConfigError as error: print(error)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", without_amqtt), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DEADLINE_S):
        printed, _ = await process.communicate()

    assert b"[demo]'" in printed
