"""Looks for a broker where homes have one. Names a few addresses; never walks through a network."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from pathlib import Path

from bridge.broker.mdns import announced as services_of
from bridge.broker.probe import Answer, look
from bridge.contract.found_broker import FoundBroker

ALL_S, EACH_S = 3.0, 1.5
PLAIN, WITH_TLS = 1883, 8883
NAMES = (
    "mosquitto",  # in our compose file
    "localhost",
    "host.docker.internal",
    "homeassistant.local",
    "homeassistant",
)
ROUTES = Path("/proc/net/route")
SERVICES = ("_mqtt._tcp.local.", "_secure-mqtt._tcp.local.", "_home-assistant._tcp.local.")
HEARD_S = 0.8

Place = tuple[str, int, bool]
"""A host, a port, and whether it speaks TLS."""
Announced = Callable[[], AsyncIterator[Place]]


async def look_for_brokers(
    names: Iterable[str] = NAMES,
    *,
    announced: Announced | None = None,
    ports: tuple[int, int] = (PLAIN, WITH_TLS),
    each_s: float = EACH_S,
    all_s: float = ALL_S,
) -> tuple[FoundBroker, ...]:
    """What answered as a broker within ``all_s`` seconds, each once, in the order of the places.

    ``announced`` gives the places that mDNS names.
    """
    plain, with_tls = ports
    hosts = [*names, *filter(None, [gateway()])]
    places = [(host, port, port == with_tls) for host in hosts for port in (plain, with_tls)]
    asked = [asyncio.create_task(_answers([place], each_s), name="look") for place in places]
    by_name = _answers_announced(announced or by_mdns, each_s)
    asked.append(asyncio.create_task(by_name, name="look-mdns"))
    done, late = await asyncio.wait(asked, timeout=all_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    answers = [answer for task in asked if task in done for answer in task.result()]
    first: dict[str, FoundBroker] = {}
    for address, found in answers:
        first.setdefault(address, found)
    return tuple(first.values())


def gateway(routes: Path = ROUTES) -> str | None:
    """The address of the default route: in a container it is the host, at home the router."""
    try:
        lines = routes.read_text(encoding="ascii").splitlines()[1:]
    except OSError:
        return None
    for line in lines:
        _, destination, through, *_ = [*line.split(), "", "", ""]
        if destination == "00000000" and through.strip("0"):
            return socket.inet_ntoa(bytes.fromhex(through)[::-1])
    return None


async def by_mdns() -> AsyncIterator[Place]:
    """Places of brokers and of Home Assistant that this network announces."""
    async with aclosing(services_of(*SERVICES, within_s=HEARD_S)) as services:
        async for each in services:
            for host in each.hosts:
                if "%" not in host:  # a zone of this machine alone
                    for place in _places_of(each.service, host, each.port):
                        yield place


def _places_of(service: str, host: str, port: int | None) -> list[Place]:
    if service.startswith("_home-assistant"):  # what it announces is its page
        return [(host, PLAIN, False), (host, WITH_TLS, True)]
    return [(host, port, service.startswith("_secure") or port == WITH_TLS)] if port else []


async def _answers(places: Iterable[Place], each_s: float) -> list[Answer]:
    asked = (look(host, port, tls=tls, within_s=each_s) for host, port, tls in places)
    return [answer for answer in await asyncio.gather(*asked) if answer]


async def _answers_announced(announced: Announced, each_s: float) -> list[Answer]:
    return await _answers([place async for place in announced()], each_s)
