"""Lights and hubs that announce themselves in this network (mDNS), and where they are."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from bridge.broker.mdns import Announcement, announced

SEARCH_S = 2.0


async def lights(
    service: str, at: str | None, *, usual_ports: tuple[int, ...]
) -> AsyncGenerator[tuple[str, Announcement], None]:
    """Each that announces ``service`` and can be reached, with its address.

    That has a port where it is not a usual one; ``at`` is the one of the only one to be named.
    """
    async with aclosing(announced(service, within_s=SEARCH_S)) as heard:
        async for said in heard:
            if not (said.port and said.hosts):
                continue
            host = f"[{said.hosts[0]}]" if ":" in said.hosts[0] else said.hosts[0]
            address = host if said.port in usual_ports else f"{host}:{said.port}"
            if at in (None, address, host):
                yield address, said
