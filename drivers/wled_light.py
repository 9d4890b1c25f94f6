"""The ``wled`` kind: a WLED on the network, without MQTT.

Two requests of WLED's JSON API are all that a lamp needs, so the standard library makes them.
python-wled 1.1 is alive, but brings aiohttp, orjson and 9 MiB into a lamp's process, reads all
effects and palettes before the first look, and knows neither ``frz`` nor a snapshot of a segment.

Source: WLED documentation, "JSON API"; ``wled_server.cpp`` and ``json.cpp`` in its code, where an
object that is posted to ``/json/si`` with ``"v": true`` is answered with state and info.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from bridge.config.tables.base import Settings, host_problem
from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers.base import Found, Kind, Light, Surroundings
from drivers.blocking import Worker
from drivers.looks import wled
from drivers.looks.brightness import is_lit
from drivers.looks.wled import Reply, State
from drivers.network.announced_lights import lights
from drivers.network.http_calls import HttpCalls, Request

SERVICE = "_wled._tcp.local."
TIMEOUT_S = 5.0
_PORT = re.compile(r"(?P<host>.*):(?P<port>\d{1,5})")


def _host(value: str) -> str:
    match = _PORT.fullmatch(value)
    host = match["host"] if match else value
    problem = host_problem(host) if not host.startswith("unix:") else "is no socket here"
    if problem or ":" in host or (match and not 0 < int(match["port"]) < 65_536):  # noqa: PLR2004
        raise ValueError("must be the name or address of the WLED, as wled-desk.local or 192.0.2.8")
    return value


class WledOptions(Settings):
    """Which WLED, and which part of it."""

    host: Annotated[str, AfterValidator(_host)]
    """Its name or address, with a port where it is not 80."""
    segments: tuple[Annotated[int, Field(ge=0, le=99)], ...] = ()
    """The numbers of the segments to show it on; all when empty."""
    transition: Annotated[float, Field(ge=0, le=60)] | None = None
    """Seconds to fade from one look to the next; the strip's own habit when not given."""

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("segments: one is named twice")
        return self


class WledLight:
    """All segments of a strip, or some of them."""

    def __init__(self, options: WledOptions, calls: HttpCalls, clock: Clock) -> None:
        self._options, self._calls, self._clock = options, calls, clock
        self._segments = options.segments or None
        self._last: Reply | None = None
        self._applied: tuple[LightState, State] | None = None
        self._started_s = 0.0

    async def apply(self, state: LightState) -> None:
        """Have WLED show ``state``; it does effects alone."""
        reply = self._last or await self._ask()
        there = [part.id for part in reply.state.seg]
        if self._segments is None:
            asked = wled.show(state, there or [0])
        else:
            self._require(there)
            asked = wled.show_alone(state, self._segments)
        if self._options.transition is not None:
            asked["tt"] = round(self._options.transition * 10)
        reply = await self._ask(asked)
        ours = [part.on for part in reply.state.seg if part.id in self._options.segments]
        if (reply.state.on and all(ours)) != is_lit(state):
            raise LightUnreachableError(f"{self._host} does not show what it was sent")
        self._applied = state, reply.state
        self._started_s = self._clock.monotonic() - reply.uptime

    async def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs. Raises as ``apply`` does."""
        return wled.snapshot((await self._ask()).state)

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read. Raises as ``apply`` does."""
        await self._ask(wled.restore(snapshot, self._segments))
        self._applied = None

    async def changed_by_others(self) -> bool:
        """Whether an app or a button changed it; one that has restarted gets its look anew."""
        reply, applied = await self._ask(), self._applied
        if applied is None:
            return False
        state, shown = applied
        started_s = self._clock.monotonic() - reply.uptime
        if started_s > self._started_s + wled.RESTART_S:
            await self.apply(state)
            return False
        return not wled.same(shown, reply.state, self._segments)

    def _require(self, there: list[int]) -> None:
        if missing := [number for number in self._options.segments if number not in there]:
            self._last = None
            raise LightRefusedError(
                f"{self._host} has no segment {', '.join(map(str, missing))}.",
                remedy=f"Take others in segments; it has {', '.join(map(str, there))}.",
            )

    @property
    def _host(self) -> str:
        return f"http://{self._options.host}"

    async def _ask(self, asked: dict[str, Any] | None = None) -> Reply:
        """What WLED is and shows, and was ``asked`` to show."""
        request = Request("GET", f"{self._host}/json/si")
        if asked is not None:
            body = json.dumps(wled.READ | asked, separators=(",", ":")).encode("ascii")
            request = Request("POST", request.url, {"Content-Type": "application/json"}, body)
        content = await self._calls(lambda: request)
        try:
            self._last = Reply.model_validate_json(content)
        except ValidationError as error:
            raise LightRefusedError(
                f"{self._host} answers, but not as WLED.", remedy="Correct host."
            ) from error
        return self._last


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """WLED devices that announce themselves, or the one ``at`` an address."""
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
