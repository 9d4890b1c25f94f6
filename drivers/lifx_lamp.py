"""The ``lifx`` kind: LIFX lamps in the local network, without their cloud; found by label.

With lifx-async: by the owner of Home Assistant's LIFX code and of aiolifx, which Home Assistant has
used so far and is about to leave for this one (home-assistant/core#177944); it needs nothing else,
where aiolifx brings a terminal program's libraries.
"""

from __future__ import annotations

import colorsys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.config.tables.base import Settings
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers.base import Capability, Found, Kind, Light, Surroundings
from drivers.brightness import is_lit
from drivers.lan import OverNetwork
from drivers.registry import without_library

if TYPE_CHECKING:
    import lifx

PORT = 56700
EVERYBODY = "255.255.255.255"
SEARCH_S, REQUEST_S, ANSWER_S, LIST_S = 4.0, 3.0, 6.0, 3.0
FADE_S, SHORTEST_FADE_S = 0.1, 0.2
WHITE_KELVIN = 4000
ON = 65535
_SERIAL_DIGITS = 12
_NEAR = 0.01
"""A lamp keeps 16 bits of each value, and rounds."""


def _serial(value: str) -> str:
    digits = value.replace(":", "").lower()
    if len(digits) != _SERIAL_DIGITS or not set(digits) <= set("0123456789abcdef"):
        raise ValueError("is no serial number such as d073d5123456")
    return digits


class LifxOptions(Settings):
    """One lamp, by its label, its serial number or its address."""

    label: Annotated[str, Field(min_length=1)] | None = None
    """As the LIFX app shows it."""
    serial: Annotated[str, AfterValidator(_serial)] | None = None
    """Where several have one label."""
    host: str | None = None
    """An IP address where it is never looked for: a fixed address, or another network."""
    port: Annotated[int, Field(ge=1, le=65535)] = PORT
    broadcast: str = EVERYBODY
    """Where it is looked for: the broadcast address of another network of this host."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> Self:
        if sum(each is not None for each in (self.label, self.serial, self.host)) != 1:
            raise ValueError('needs one of label = "…", serial = "…" and host = "…"')
        return self

    @property
    def wanted(self) -> str:
        """What the lamp is called here."""
        return str(self.label or self.serial or self.host)


class LifxLight:
    """One lamp."""

    shortest_fade_s = SHORTEST_FADE_S

    def __init__(self, options: LifxOptions) -> None:
        import lifx  # noqa: PLC0415 - an extra

        self._lifx, self._options = lifx, options
        self._lamp: OverNetwork[lifx.Light] = OverNetwork(
            f"the LIFX lamp {options.wanted!r}",
            open_device=self._open,
            close_device=lambda lamp: lamp.close(),
            errors=(lifx.LifxError,),
            within_s=ANSWER_S,
        )
        self._wanted: dict[str, float] | None = None
        self.close = self._lamp.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        await self.fade(state, FADE_S)

    async def fade(self, state: LightState, over_s: float) -> None:
        """Show ``state``, reached over ``over_s`` seconds by the lamp itself."""

        async def show(lamp: lifx.Light) -> None:
            self._wanted = None
            if not is_lit(state):
                await lamp.set_power(0, over_s)
                self._wanted = {"power": 0}
                return
            wanted = hsbk(state)
            await lamp.set_color(self._lifx.HSBK(**wanted), over_s)
            await lamp.set_power(ON, over_s)
            self._wanted = {"power": 1, **wanted}

        await self._lamp.call(show)

    async def capability(self) -> Capability:
        """What the lamp's model can do."""

        async def ask(lamp: lifx.Light) -> Capability:
            model = lamp.capabilities
            return Capability.WHITE if model and not model.has_color else Capability.COLOR

        return await self._lamp.call(ask)

    async def changed_by_others(self) -> bool:
        """Whether it shows something else than the last ``apply`` left."""
        now = await self.snapshot()
        return self._wanted is not None and not _alike(now, self._wanted)

    async def snapshot(self) -> dict[str, Any]:
        """Read what is shown, each zone of a strip."""

        async def read(lamp: lifx.Light) -> dict[str, Any]:
            color, power, _ = await lamp.get_color()
            found: dict[str, Any] = {"power": int(power > 0), **_values(color)}
            if isinstance(lamp, self._lifx.MultiZoneLight):
                found["zones"] = [_values(zone) for zone in await lamp.get_all_color_zones()]
            return found

        return await self._lamp.call(read)

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        before = dict(snapshot)
        power, zones = bool(before.pop("power")), before.pop("zones", None)

        async def write(lamp: lifx.Light) -> None:
            if zones and isinstance(lamp, self._lifx.MultiZoneLight):
                await lamp.set_all_color_zones([self._lifx.HSBK(**zone) for zone in zones])
            else:
                await lamp.set_color(self._lifx.HSBK(**before))
            await lamp.set_power(ON if power else 0)

        await self._lamp.call(write)
        self._wanted = None

    async def _open(self) -> lifx.Light:
        if self._options.host is not None:
            lamp = await self._lifx.Device.connect(
                self._options.host, port=self._options.port, timeout=REQUEST_S
            )
        else:
            lamp = await self._found()
        try:
            await lamp.ensure_capabilities()
        except BaseException:
            await lamp.close()
            raise
        return lamp

    async def _found(self) -> lifx.Light:
        where: dict[str, Any] = {
            "timeout": SEARCH_S,
            "broadcast_address": self._options.broadcast,
            "port": self._options.port,
            "device_timeout": REQUEST_S,
        }
        lamp: Any = None
        if self._options.serial is not None:
            lamp = await self._lifx.find_by_serial(self._options.serial, **where)
        else:
            label = str(self._options.label)
            async with aclosing(
                self._lifx.find_by_label(label, exact_match=True, **where)
            ) as found:
                lamp = await anext(found, None)
        if lamp is None:
            raise LightUnreachableError(
                f"no LIFX lamp {self._options.wanted!r} answers in this network"
            )
        return lamp  # type: ignore[no-any-return]


def hsbk(state: LightState) -> dict[str, float]:
    """Hue in degrees, saturation, brightness and colour temperature of a look that is lit."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in state.color))
    return {
        "hue": round(hue * 360),
        "saturation": round(saturation, 3),
        "brightness": max(0.01, round(value * state.brightness, 3)),
        "kelvin": WHITE_KELVIN,
    }


def _values(color: lifx.HSBK) -> dict[str, float]:
    return {
        "hue": color.hue,
        "saturation": color.saturation,
        "brightness": color.brightness,
        "kelvin": color.kelvin,
    }


def _alike(now: dict[str, Any], wanted: dict[str, float]) -> bool:
    """Whether all of ``wanted`` is so; the hue of a white and its temperature are of no matter."""
    if now["power"] != wanted["power"] or not wanted["power"]:
        return bool(now["power"] == wanted["power"])
    apart = [abs(now[key] - wanted[key]) for key in ("saturation", "brightness")]
    if wanted["saturation"]:
        turn = abs(now["hue"] - wanted["hue"]) % 360
        apart.append(min(turn, 360 - turn) / 360)
    return bool(max(apart) <= _NEAR)


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each lamp that answers."""
    import lifx  # noqa: PLC0415 - an extra

    host, _, port = (at or EVERYBODY).partition(":")
    there = lifx.discover_udp(
        timeout=LIST_S, broadcast_address=host, port=int(port or PORT), device_timeout=REQUEST_S
    )
    async with aclosing(there) as devices:
        async for device in devices:
            with suppress(lifx.LifxError):  # it answered, and was gone
                label = await device.get_label()
                about = f"LIFX {device.model or ''}".strip()
                mine = {"label": label} if label else {"serial": device.serial}
                yield Found(label or device.serial, device.ip, about, mine)
            await device.close()


@asynccontextmanager
async def _open(options: LifxOptions, _around: Surroundings) -> AsyncIterator[Light]:
    try:
        light = LifxLight(options)
    except ImportError as error:
        raise without_library("lifx", error) from error
    try:
        yield light
    finally:
        await light.close()


KIND = Kind(
    name="lifx",
    options=LifxOptions,
    open=_open,
    deadline_s=8.0,
    find=find,
)
