"""The ``wled`` kind: a WLED on the network, without MQTT.

Two requests of WLED's JSON API are all that a lamp needs, so the standard library makes them.
python-wled 1.1 is alive, but brings aiohttp, orjson and 9 MiB into a lamp's process, reads all
effects and palettes before the first look, and knows neither ``frz`` nor a snapshot of a segment.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from bridge.contract.light import Effect
from drivers.announced_lights import lights
from drivers.base import Found, Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.http_calls import HttpCalls
from drivers.wled_light.light import WledLight
from drivers.wled_light.options import WledOptions

SERVICE = "_wled._tcp.local."
TIMEOUT_S = 5.0


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each WLED that announces itself; ``at`` is the address of the only one to be named."""
    async with aclosing(lights(SERVICE, at, usual_ports=(80,))) as heard:
        async for address, said in heard:
            if not address.startswith("["):  # a WLED is called by its IPv4 address
                yield Found(said.name, address, "WLED", {"host": address})


@asynccontextmanager
async def _open(options: WledOptions, around: Surroundings) -> AsyncIterator[Light]:
    async with Worker(f"wled-{around.name}") as worker:
        calls = HttpCalls(worker, timeout_s=TIMEOUT_S)
        yield WledLight(options, calls, around.clock)


KIND = Kind(
    name="wled",
    options=WledOptions,
    open=_open,
    effects=frozenset(Effect),
    min_interval_s=0.2,
    deadline_s=TIMEOUT_S,
    find=find,
)
