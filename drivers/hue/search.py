"""Finds hubs by what they announce, also one that has another address by now: by its id."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

from drivers.base import Found
from drivers.network.announced_lights import lights

SERVICE = "_hue._tcp.local."
HUB_ID = re.compile(r"[0-9a-fA-F]{16}")


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each hub that announces itself; ``at`` is the address of the only one to be named."""
    async with aclosing(lights(SERVICE, at, usual_ports=(80, 443))) as heard:
        async for address, said in heard:
            hub_id = said.texts.get("bridgeid", "").lower()
            if HUB_ID.fullmatch(hub_id):
                about = f"hub {hub_id}, model {said.texts.get('modelid', 'unknown')}"
                yield Found(said.name, address, about, {"hub": hub_id, "light": "?"})


async def address_of(hub_id: str) -> str | None:
    """Where the hub with that id is, if it answers in this network."""
    async with aclosing(find()) as hubs:
        async for hub in hubs:
            if hub.options["hub"] == hub_id:
                return hub.address
    return None
