"""The ``yeelight`` kind: Yeelight lamps in LAN mode.

With yeelight, which Home Assistant uses; released last in January 2025, for a protocol that has not
changed since 2015. A lamp takes 60 commands a minute: a look is one, effects are the lamp's own
flows, and what others change it says by itself.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StringConstraints

from bridge.config.tables.base import matching
from bridge.contract.clock import Clock
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers import lan
from drivers.base import Capability, Found, Kind, Light, Surroundings
from drivers.lan import LIST_S, SEARCH_S, Address, LanOptions, OverNetwork, Port, answers
from drivers.yeelight_lamp.commands import as_before, look

if TYPE_CHECKING:
    from yeelight.aio import AsyncBulb

PORT = 55443
SSDP = ("239.255.255.250", 1982)
SEARCH = (
    b'M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1982\r\nMAN: "ssdp:discover"\r\nST: wifi_bulb'
)
INTERVAL_S = 1.2
"""50 looks a minute; what is left are questions."""
WHITE_INTERVAL_S = 2.4
"""A lamp without colours needs two commands for a look."""
ASK_EVERY_S = 15.0
"""So often is asked whether it is there at all: it cannot say that its power is gone."""
_ID = re.compile("0x[0-9a-f]{16}")
_LOCATION = re.compile(r"yeelight://(?P<host>[0-9.]+)(?::(?P<port>\d{1,5}))?")
_READ = ("power", "bright", "color_mode", "ct", "rgb", "hue", "sat", "flowing", "flow_params")


Id = Annotated[
    str,
    StringConstraints(to_lower=True),
    matching(_ID.pattern, "must be as 0x00000000037073d2, as find shows it"),
]


class YeelightOptions(LanOptions):
    """One lamp, by its id or its address."""

    NAMED_BY = ("id",)

    id: Id | None = None
    port: Port = PORT


class YeelightLight:
    """One lamp, which says by itself what is changed."""

    def __init__(self, options: YeelightOptions, clock: Clock, search: Address) -> None:
        from yeelight import BulbException  # noqa: PLC0415 - an extra

        self.min_interval_s = INTERVAL_S
        self._options, self._clock, self._search = options, clock, search
        self._bulb: OverNetwork[AsyncBulb] = OverNetwork(
            f"the Yeelight {options.wanted}",
            open_device=self._open,
            prepare=self._prepare,
            close_device=lambda bulb: bulb.async_stop_listening(),
            errors=(BulbException,),
        )
        self._lost, self._asked_s = False, 0.0
        self._wanted: dict[str, str] = {}
        self.close = self._bulb.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``; effects are drawn by the lamp."""
        async with self._on_line() as bulb:
            commands, wanted = look(state, _capability(bulb))
            for method, params in commands:
                await bulb.async_send_command(method, list(params))
            bulb.last_properties.update(wanted)
            self._wanted = wanted

    async def capability(self) -> Capability:
        """What the lamp's properties show that it has."""
        async with self._on_line() as bulb:
            return _capability(bulb)

    async def changed_by_others(self) -> bool:
        """Whether it shows something else than the last ``apply`` left."""
        async with self._on_line() as bulb:
            if self._clock.monotonic() - self._asked_s >= ASK_EVERY_S:
                await self._ask(bulb)
            now = bulb.last_properties
        return any(now.get(key, value) != value for key, value in self._wanted.items())

    async def snapshot(self) -> dict[str, Any]:
        """Read what is shown, a running flow included."""
        async with self._on_line() as bulb:
            return await self._ask(bulb)

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        async with self._on_line() as bulb:
            for method, params in as_before(snapshot):
                await bulb.async_send_command(method, list(params))
        self._wanted = {}

    @asynccontextmanager
    async def _on_line(self) -> AsyncIterator[AsyncBulb]:
        """The lamp; a connection that it has ended is made anew at once."""
        if self._lost:
            await self._bulb.close()
        async with self._bulb.used() as bulb:
            yield bulb

    async def _ask(self, bulb: AsyncBulb) -> dict[str, Any]:
        found: dict[str, Any] = await bulb.async_get_properties(list(_READ))
        self._asked_s = self._clock.monotonic()
        return {key: found.get(key) for key in _READ}

    def _on_message(self, said: Mapping[str, Any]) -> None:
        if said.get("connected") is False:
            self._lost = True

    async def _open(self) -> AsyncBulb:
        from yeelight.aio import AsyncBulb  # noqa: PLC0415 - as above

        host, port = await self._address()
        return AsyncBulb(host, port=port)

    async def _prepare(self, bulb: AsyncBulb) -> None:
        await bulb.async_listen(self._on_message)
        await self._ask(bulb)
        self._lost = False
        has_colors = _capability(bulb) is Capability.COLOR
        self.min_interval_s = INTERVAL_S if has_colors else WHITE_INTERVAL_S

    async def _address(self) -> Address:
        if self._options.host is not None:
            return self._options.host, self._options.port
        async with aclosing(_there(self._search, within_s=SEARCH_S)) as found:
            async for address, lamp in found:
                if lamp.options["id"] == self._options.id:
                    return address
        raise LightUnreachableError(f"no Yeelight {self._options.id} answers in this network")


def _capability(bulb: AsyncBulb) -> Capability:
    return Capability.COLOR if bulb.last_properties.get("rgb") else Capability.WHITE


async def _there(to: Address, *, within_s: float) -> AsyncGenerator[tuple[Address, Found], None]:
    async with aclosing(answers(SEARCH, to, within_s=within_s)) as heard:
        async for data, _ in heard:
            lines = data.decode(errors="replace").splitlines()
            headers = {
                key.strip().lower(): value.strip()
                for key, _, value in (line.partition(":") for line in lines)
            }
            place = _LOCATION.fullmatch(headers.get("location", ""))
            if place and _ID.fullmatch(number := headers.get("id", "").lower()):
                host, about = place["host"], f"Yeelight {headers.get('model', '')}".strip()
                name = headers.get("name") or number
                yield (host, int(place["port"] or PORT)), Found(name, host, about, {"id": number})


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each lamp that answers, maybe more than once."""
    host, _, port = (at or SSDP[0]).partition(":")
    async with aclosing(_there((host, int(port or SSDP[1])), within_s=LIST_S)) as answered:
        async for _, lamp in answered:
            yield lamp


def opened(
    options: YeelightOptions, around: Surroundings, *, search: Address = SSDP
) -> AbstractAsyncContextManager[Light]:
    """The lamp; it is looked for, at ``search``, when it is first used."""
    return lan.opened("yeelight", lambda: YeelightLight(options, around.clock, search))


KIND = Kind(
    name="yeelight",
    options=YeelightOptions,
    open=opened,
    effects=frozenset(Effect),
    min_interval_s=INTERVAL_S,
    deadline_s=8.0,
    find=find,
)
