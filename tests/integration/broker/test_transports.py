"""The ways to a broker: TLS, sockets, and the older protocol; for staying and for a short visit."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bridge.broker import Received, visit
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.contract.wire import Message
from bridge.demo.broker import EmbeddedBroker
from bridge.demo.certificate import ServerCertificate, make_certificate
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, free_port, running
from tests.fakes.strict_broker import CONNACK_311_OLD, strict
from tests.fakes.strict_wire import SUBSCRIBE, V5, V311
from tests.fakes.subscriber import subscriber
from tests.integration.broker.conftest import (
    FACT,
    STATE,
    Link,
    settings,
)

NAME = "broker.example"


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    """What the broker shows: it is valid for ``NAME`` and for nothing else."""
    return make_certificate(tmp_path_factory.mktemp("broker"), [NAME])


@pytest.fixture
async def trusting(tmp_path: Path, shown: ServerCertificate) -> AsyncIterator[MqttSettings]:
    """Right settings for a broker with TLS."""
    port = free_port()
    extra = (
        f"allow_anonymous true\nlistener {port} 127.0.0.1\n"
        f"certfile {shown.cert_file}\nkeyfile {shown.key_file}"
    )
    async with running(tmp_path, extra=extra):
        yield settings(port, tls=True, ca_file=shown.ca_file, server_name=NAME)


async def test_a_broker_with_a_certificate_of_an_own_authority_is_trusted(
    trusting: MqttSettings, clock: ManualClock
) -> None:
    async with Link(trusting, clock) as link:
        await link.until_connected()


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ({"server_name": "other.example"}, "Hostname mismatch"),
        ({"server_name": None}, "IP address mismatch"),
        ({"ca_file": None}, "unable to get local issuer certificate; set ca_file in [mqtt]"),
        ({"ca_file": Path("missing.pem")}, "not asked: mqtt.ca_file: missing.pem: No such file"),
        ({"ca_file": Path(__file__)}, "test_transports.py: holds no certificate"),
        ({"cert_file": Path("gone.pem")}, "not asked: mqtt.cert_file: gone.pem: No such file"),
    ],
)
async def test_a_broker_that_cannot_be_trusted_is_not_talked_to(
    trusting: MqttSettings,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
    mistake: dict[str, Any],
    said: str,
) -> None:
    async with Link(trusting.model_copy(update=mistake), clock) as link:
        await link.try_again()
        await link.until_resting()
        assert not link.broker.connects
    (line,) = caplog.records
    assert line.levelname == ("ERROR" if "not asked" in line.getMessage() else "WARNING")
    assert said in line.getMessage()


async def test_authorities_that_do_not_know_the_broker_are_named(
    trusting: MqttSettings, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = make_certificate(tmp_path / "other").ca_file
    async with Link(trusting.model_copy(update={"ca_file": other}), clock) as link:
        await link.until_resting()
    told = "unable to get local issuer certificate; put the authority that signed it into"
    assert f"{told} {other}" in caplog.text


async def test_a_file_that_is_mended_is_picked_up(
    trusting: MqttSettings, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "late.pem"
    async with Link(trusting.model_copy(update={"ca_file": file}), clock) as link:
        assert [await link.try_again() for _ in range(4)] == [5.0, 30.0, 300.0, 300.0]
        await link.until_resting()
        shutil.copy(str(trusting.ca_file), file)
        await link.try_again()
        await link.until_connected()
    assert caplog.text.count(f"{file}: No such file or directory; correct the path") == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "it hung up during the TLS handshake: check port and tls in [mqtt]"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it speaks no TLS there: check port and tls"),
    ],
)
async def test_a_port_without_tls_is_reported_as_that(
    clock: ManualClock, caplog: pytest.LogCaptureFixture, answer: bytes, said: str
) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with Link(settings(port, tls=True), clock) as link:
            await link.until_resting()
    assert said in caplog.text
    assert "_ssl.c" not in caplog.text


async def test_a_connection_that_is_made_when_nobody_wants_it_any_more_is_closed(
    clock: ManualClock, shown: ServerCertificate
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.cert_file, shown.key_file)
    came, stopped, closed = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # else a hello is lost
        came.set()
        await stopped.wait()
        with suppress(OSError):  # a reset closes it too
            await writer.start_tls(context)
            await reader.read()
        writer.close()
        closed.set()

    async with await asyncio.start_server(late, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        trusting = settings(port, tls=True, ca_file=shown.ca_file, server_name=NAME)
        async with Link(trusting, clock):
            await came.wait()
        stopped.set()
        async with asyncio.timeout(10):
            await closed.wait()


async def test_a_name_that_cannot_be_one_is_reported_as_that(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    host = "ü" * 60  # too long as soon as it is written in ASCII
    async with Link(MqttSettings(host=host), clock) as link:
        await link.until_resting()
    assert f"broker {host}:1883 cannot be reached: its name is no host name" in caplog.text


async def test_a_unix_socket_is_a_way_to_the_broker(tmp_path: Path, clock: ManualClock) -> None:
    async with (
        running(tmp_path, extra=f"allow_anonymous true\nlistener 0 {tmp_path / 's'}"),
        Link(MqttSettings(host=f"unix:{tmp_path / 's'}"), clock) as link,
    ):
        await link.until_connected()


@pytest.mark.filterwarnings("ignore:.*unclosed <socket")  # paho leaves it to the collector
async def test_a_unix_socket_that_is_not_there_is_named(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "socket"
    async with Link(MqttSettings(host=f"unix:{path}"), clock) as link:
        await link.until_resting()
    assert f"broker {path} cannot be reached: No such file" in caplog.text
    for thread in threading.enumerate():  # it has the socket until its end
        if thread.name == "mqtt-dial":
            thread.join(10)
    gc.collect()


async def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1_and_that_is_said_once(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with EmbeddedBroker() as broker:
        link = Link(settings(broker.port), clock)
        link.facts.append(Message("presence/bridge/health", b"{}", expiry_s=180))
        link.broker.subscribe("presence/bridge/request/+", link.heard.append, commands=True)
        async with link:
            await link.until_connected()
            assert link.broker.mqtt_version == "3.1.1"
            asked = Message("presence/bridge/request/poll", b"{}", retain=False)
            await visit(settings(broker.port), publish=[asked])
            await link.until(lambda: link.heard)
            stored = await visit(settings(broker.port), follow=[FACT.topic])
            assert stored == [Received(FACT.topic, FACT.payload, retain=True)]
    said = [record.getMessage() for record in caplog.records if "bridge" in record.name]
    assert said == [
        f"broker 127.0.0.1:{broker.port} speaks no MQTT 5, using 3.1.1",
        f"connected to broker 127.0.0.1:{broker.port}, MQTT 3.1.1",
    ]


@pytest.mark.parametrize("no", [b"", CONNACK_311_OLD, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_broker_that_hangs_up_on_5_within_tls_is_asked_in_the_older_protocol_at_once(
    no: bytes, shown: ServerCertificate, clock: ManualClock
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(shown.cert_file, shown.key_file)
    async with strict(tls=context) as broker:
        broker.levels, broker.answer_to_other_levels = {V311}, no
        own = settings(broker.port, tls=True, ca_file=shown.ca_file, server_name=NAME)
        async with Link(own, clock) as link, asyncio.timeout(5):
            await link.until_connected()
            assert [hello.level for hello in broker.hellos] == [V5, V311]


async def test_a_port_that_speaks_no_tls_is_reported_as_that_and_changes_no_protocol(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with strict() as broker, Link(settings(broker.port, tls=True), clock) as link:
        for _ in range(2):
            await link.try_again()
        await link.until_resting()
        assert link.broker.mqtt_version == "5.0"
    assert len(caplog.records) == 1


async def test_the_older_protocol_is_kept_over_a_reconnect(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    port = free_port()
    async with Link(settings(port), clock) as link:
        for times in (1, 2):
            await link.until_resting()
            async with EmbeddedBroker(port=port):
                await link.try_again()
                await link.until_connected(times)
                assert link.broker.mqtt_version == "3.1.1"
    assert caplog.text.count("speaks no MQTT 5") == 1


async def test_a_visitor_gets_what_is_stored_and_leaves_nothing_behind(
    mosquitto: Mosquitto, link: Link
) -> None:
    stored = await visit(settings(mosquitto.port), follow=[FACT.topic])
    assert stored == [Received(FACT.topic, FACT.payload, retain=True)]
    async with subscriber(mosquitto.port) as mqtt:
        await visit(
            settings(mosquitto.port), publish=[Message("presence/note", b"1", retain=False)]
        )
        await mqtt.until("presence/note")
        assert {heard.topic for heard in mqtt.heard} == {
            *(fact.topic for fact in link.facts),
            STATE,
            "presence/note",
        }
    assert link.broker.connects == 1


async def test_a_visitor_does_not_wait_for_what_never_comes(mosquitto: Mosquitto) -> None:
    assert await visit(settings(mosquitto.port), follow=["nothing"], within_s=0.05) == []


async def test_a_visitor_waits_for_the_last_of_several_answers(
    mosquitto: Mosquitto, link: Link
) -> None:
    heard = await visit(
        settings(mosquitto.port),
        follow=["presence/#", "homeassistant/#"],
        until=lambda received: received.topic == "presence/done",
        publish=[Message("presence/done", b"", retain=False)],
    )
    assert heard[-1].topic == "presence/done"
    assert {FACT.topic, STATE} <= {received.topic for received in heard}


async def test_a_visitor_before_a_closed_door_is_asked_to_wait() -> None:
    port = free_port()
    with pytest.raises(TryAgainError, match=f"broker 127.0.0.1:{port} cannot be reached"):
        await visit(settings(port), publish=[FACT])


async def test_a_visitor_who_is_refused_reads_what_a_person_must_do(tmp_path: Path) -> None:
    async with running(tmp_path, extra="allow_anonymous false") as broker:
        with pytest.raises(PersonMustActError, match="does not let this user in") as refused:
            await visit(
                settings(broker.port, username="bridge", password=SecretStr("hunter2")),
                publish=[FACT],
            )
    assert "hunter2" not in str(refused.value)
    async with strict(answers=frozenset({SUBSCRIBE})) as silent:
        silent.suback_code = 0x87
        with pytest.raises(PersonMustActError, match="anonymous subscribe to presence/x"):
            await visit(settings(silent.port), follow=["presence/x"])
