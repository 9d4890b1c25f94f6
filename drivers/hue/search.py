"""The hubs that announce themselves in this network (mDNS)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from bridge.broker.mdns import announced
from drivers.base import Found
from drivers.hue.options import HUB_ID

SERVICE = "_hue._tcp.local."
SEARCH_S = 2.0
_USUAL_PORTS = (80, 443)

Search = Callable[[str], Awaitable[str | None]]
"""The address of the hub with that id, if it answers in this network."""


async def address_of(hub_id: str) -> str | None:
    """Where the hub with that id is, if it answers in this network."""
    async with aclosing(find()) as hubs:
        async for hub in hubs:
            if hub.options["hub"] == hub_id:
                return hub.address
    return None


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each hub that announces itself; ``at`` is the address of the only one to be named."""
    async with aclosing(announced(SERVICE, within_s=SEARCH_S)) as services:
        async for service in services:
            hub_id = service.texts.get("bridgeid", "").lower()
            if not (HUB_ID.fullmatch(hub_id) and service.port and service.hosts):
                continue
            ip = service.hosts[0]
            host = f"[{ip}]" if ":" in ip else ip
            address = host if service.port in _USUAL_PORTS else f"{host}:{service.port}"
            if at in (None, address, host):
                about = f"hub {hub_id}, model {service.texts.get('modelid', 'unknown')}"
                yield Found(service.name, address, about, {"hub": hub_id, "light": "?"})
