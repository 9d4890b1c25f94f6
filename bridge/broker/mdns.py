"""What devices of this network announce by mDNS: brokers, and lamps that no broker knows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from enum import Enum
from typing import NamedTuple

from bridge.contract.deadline import within

log = logging.getLogger(__name__)

RESOLVED_MS = 500
"""So long an answer may take that says where an announced service is."""


class Announcement(NamedTuple):
    """One service of one device."""

    service: str
    name: str
    hosts: tuple[str, ...]
    """Its IP addresses, IPv4 first; one of IPv6 that needs a zone has it (``fe80::1%eth0``)."""
    port: int | None
    texts: Mapping[str, str]


async def announced(*services: str, within_s: float) -> AsyncGenerator[Announcement, None]:
    """What is announced of ``services`` (``_hue._tcp.local.``) within that time, as it is heard."""
    from zeroconf.asyncio import (  # noqa: PLC0415 - only who searches needs it
        AsyncServiceBrowser,
        AsyncServiceInfo,
        AsyncZeroconf,
    )

    heard: asyncio.Queue[AsyncServiceInfo] = asyncio.Queue()

    def receive(*, service_type: str, name: str, state_change: Enum, **_: object) -> None:
        if state_change.name == "Added":
            heard.put_nowait(AsyncServiceInfo(service_type, name))

    loop = asyncio.get_running_loop()
    ends_s = loop.time() + within_s
    try:
        mdns = AsyncZeroconf()
    except (OSError, RuntimeError) as error:
        log.debug("mDNS: %s", error)  # there is no network
        return
    try:
        AsyncServiceBrowser(mdns.zeroconf, list(services), handlers=[receive])
        with suppress(TimeoutError):
            while True:
                info = await within(max(0.0, ends_s - loop.time()), heard.get())
                if await info.async_request(mdns.zeroconf, RESOLVED_MS):
                    hosts = tuple(info.parsed_scoped_addresses())
                    texts = {key: value or "" for key, value in info.decoded_properties.items()}
                    yield Announcement(info.type, info.get_name(), hosts, info.port, texts)
    finally:
        await mdns.async_close()
