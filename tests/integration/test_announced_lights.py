"""Hubs and strips that announce themselves, on the real network of this machine."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
from zeroconf import ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

from drivers import hue, wled_light
from drivers.commands.finding import report
from drivers.hue.search import SERVICE, address_of

HUB_ID = "001788FFFE0A0B0C"
"""No other test, which may run beside this one, hears of it."""


def announcement(service: str, name: str, *, port: int, at: str, **texts: str) -> ServiceInfo:
    family = socket.AF_INET6 if ":" in at else socket.AF_INET
    return ServiceInfo(
        service,
        f"{name}.{service}",
        addresses=[socket.inet_pton(family, at)],
        port=port,
        properties=texts,
        server=f"{name.split(maxsplit=1)[0]}-of-the-tests.local.",
    )


@pytest.fixture
async def network() -> AsyncIterator[AsyncZeroconf]:
    try:
        mdns = AsyncZeroconf()
    except (OSError, RuntimeError):
        pytest.skip("there is no network")
    try:
        yield mdns
    finally:
        await mdns.async_close()


async def test_what_announces_itself_is_shown_with_its_config(network: AsyncZeroconf) -> None:
    hub, strip = SERVICE, wled_light.SERVICE
    services = (
        announcement(
            hub, "Hue Bridge 0A0B0C", port=443, at="192.0.2.9", bridgeid=HUB_ID, modelid="BSB002"
        ),
        announcement(hub, "No hub", port=443, at="192.0.2.9", modelid="BSB002"),
        announcement(strip, "wled-desk", port=80, at="192.0.2.9", mac="a8bb5006033d"),
        announcement(strip, "wled-door", port=8080, at="192.0.2.9"),
        announcement(strip, "wled-six", port=80, at="fd00::9"),
    )
    tasks = [await network.async_register_service(each) for each in services]
    await asyncio.gather(*tasks)
    found = await report([hue.KIND, wled_light.KIND], "192.0.2.9")
    assert await address_of(HUB_ID.lower()) == "192.0.2.9"
    assert found == [
        "# Hue Bridge 0A0B0C: hub 001788fffe0a0b0c, model BSB002 at 192.0.2.9",
        "[drivers.hue_bridge_0a0b0c]",
        'kind = "hue"',
        'hub = "001788fffe0a0b0c"',
        'light = "?"',
        'name = "Hue Bridge 0A0B0C"',
        "",
        "# wled-desk: WLED at 192.0.2.9",
        "[drivers.wled_desk]",
        'kind = "wled"',
        'host = "192.0.2.9"',
        'name = "wled-desk"',
        "",
        "# wled-door: WLED at 192.0.2.9:8080",
        "[drivers.wled_door]",
        'kind = "wled"',
        'host = "192.0.2.9:8080"',
        'name = "wled-door"',
        "",
    ]
