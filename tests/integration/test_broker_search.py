"""Brokers are found by their answer, where homes have one, and nobody is named to them."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from bridge.broker.probe import certificate_of, look
from bridge.contract.found_broker import FoundBroker
from bridge.service.broker_search import by_mdns, gateway, look_for_brokers
from tests.fakes.mosquitto import free_port, running
from tests.fakes.strict_broker import strict
from tests.fakes.strict_wire import CONNECT
from tests.integration.broker.conftest import until
from tests.integration.test_trials import speaking_tls, talks_http

HERE = "127.0.0.1"
PATIENT_S = 30.0
FLAGS_AT, USER_AND_PASSWORD = 7, 0xC0


async def test_what_answers_as_a_broker_is_found_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "passwords").touch(mode=0o600)
    (tmp_path / "closed").mkdir()
    closed = f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}"
    async with (
        speaking_tls(tmp_path) as (plain, with_tls, _),
        running(tmp_path / "closed", extra=closed) as asking,
        talks_http() as page,
    ):

        async def announced() -> AsyncIterator[tuple[str, int, bool]]:
            for port in (asking.port, page, free_port(), plain):
                yield HERE, port, False

        names = [HERE, "localhost", "nowhere.invalid"]
        found = await look_for_brokers(
            names, announced=announced, ports=(plain, with_tls), each_s=PATIENT_S, all_s=PATIENT_S
        )
        assert found == (
            FoundBroker(HERE, plain),
            FoundBroker(HERE, with_tls, tls=True),
            FoundBroker(HERE, asking.port, asks_who=True),
        ), "each once, whatever it is called"
        await until(lambda: "not authorised" in asking.log)
        assert (await look(HERE, page, tls=True, within_s=1)) is None


async def test_who_looks_sends_no_user_and_no_password() -> None:
    async with strict() as broker:
        answer = await look(HERE, broker.port, tls=False, within_s=PATIENT_S)
        assert answer
        (connect,) = [body for kind, body in broker.received if kind == CONNECT]
        assert not connect[FLAGS_AT] & USER_AND_PASSWORD


async def test_what_is_silent_costs_no_more_than_the_deadline() -> None:
    over = asyncio.Event()

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async def late() -> AsyncIterator[tuple[str, int, bool]]:
        await asyncio.sleep(60)
        yield HERE, 1, False

    async with await asyncio.start_server(hang, HERE, 0) as server:
        port = server.sockets[0].getsockname()[1]
        began_s = time.monotonic()
        found = await look_for_brokers(
            [HERE], announced=late, ports=(port, port), each_s=0.2, all_s=0.3
        )
        assert found == ()
        assert time.monotonic() - began_s < PATIENT_S
        over.set()


async def test_a_certificate_is_read_whoever_signed_it(tmp_path: Path) -> None:
    async with speaking_tls(tmp_path) as (plain, port, _):
        shown = await certificate_of(HERE, port, within_s=PATIENT_S)
        assert shown
        assert shown.names == ("broker.example",)
        assert not shown.signed_itself
        assert await certificate_of(HERE, plain, within_s=PATIENT_S) is None


async def test_mdns_names_brokers_and_home_assistant() -> None:
    def service(kind: str, port: int) -> ServiceInfo:
        address = [socket.inet_aton("192.0.2.5")]
        name = f"presence-test.{kind}"
        return ServiceInfo(kind, name, addresses=address, port=port, server="presence-test.local.")

    try:
        mdns = AsyncZeroconf()
    except (OSError, RuntimeError):
        pytest.skip("there is no network")
    try:
        for kind, port in (("_mqtt._tcp.local.", 1884), ("_home-assistant._tcp.local.", 8123)):
            await (await mdns.async_register_service(service(kind, port)))
        named: set[tuple[str, int, bool]] = set()
        async with asyncio.timeout(30):
            while len(named) < 3:  # as who presses "Look once more" where a machine is slow
                named |= {place async for place in by_mdns() if place[0] == "192.0.2.5"}
    finally:
        await mdns.async_close()
    wanted = {("192.0.2.5", 1884, False), ("192.0.2.5", 1883, False), ("192.0.2.5", 8883, True)}
    assert named == wanted


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000", "172.17.0.1"),
        ("eth0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF", None),
        ("eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000", None),
        ("", None),
        ("eth0", None),
    ],
)
def test_the_gateway_is_that_of_the_default_route(
    tmp_path: Path, table: str, found: str | None
) -> None:
    (tmp_path / "route").write_text(f"Iface\tDestination\tGateway\n{table}\n")
    assert gateway(tmp_path / "route") == found
    assert gateway(tmp_path / "none") is None
