"""The ``lifx`` kind: LIFX lamps in the local network, without their cloud; found by label.

With lifx-async: by the owner of Home Assistant's LIFX code and of aiolifx, which Home Assistant has
used so far and is about to leave for this one (home-assistant/core#177944); it needs nothing else,
where aiolifx brings a terminal program's libraries.
"""

from __future__ import annotations

import colorsys
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers import lan
from drivers.base import Capability, Found, Kind
from drivers.lan import HardwareAddress, OverNetwork
from drivers.looks.brightness import is_lit

if TYPE_CHECKING:
    import lifx

PORT = 56700
REQUEST_S = 3.0
FADE_S, SHORTEST_FADE_S = 0.1, 0.2
WHITE_KELVIN = 4000
ON = 65535
_NEAR = 0.01
"""A lamp keeps 16 bits of each value, and rounds."""


class LifxOptions(lan.BroadcastOptions):
    """One lamp, by its label, its serial number or its address."""

    NAMED_BY = ("label", "serial")

    label: Annotated[str, Field(min_length=1)] | None = None
    """As the LIFX app shows it."""
    serial: HardwareAddress | None = None
    """Where several have one label."""
    port: lan.Port = PORT


class LifxLight:
    """One lamp."""

    shortest_fade_s = SHORTEST_FADE_S

    def __init__(self, options: LifxOptions) -> None:
        import lifx  # noqa: PLC0415 - an extra

        self._lifx, self._options = lifx, options
        self._lamp: OverNetwork[lifx.Light] = OverNetwork(
            f"the LIFX lamp {options.wanted!r}",
            open_device=self._open,
            prepare=lambda lamp: lamp.ensure_capabilities(),
            close_device=lambda lamp: lamp.close(),
            errors=(lifx.LifxError,),
        )
        self._wanted: dict[str, float] | None = None
        self.close = self._lamp.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        await self.fade(state, FADE_S)

    async def fade(self, state: LightState, over_s: float) -> None:
        """Show ``state``, reached over ``over_s`` seconds by the lamp itself."""
        async with self._lamp.used() as lamp:
            self._wanted = None
            if not is_lit(state):
                await lamp.set_power(0, over_s)
                self._wanted = {"power": 0}
                return
            wanted = hsbk(state)
            await lamp.set_color(self._lifx.HSBK(**wanted), over_s)
            await lamp.set_power(ON, over_s)
            self._wanted = {"power": 1, **wanted}

    async def capability(self) -> Capability:
        """What the lamp's model can do."""
        model = (await self._lamp.device()).capabilities
        return Capability.WHITE if model and not model.has_color else Capability.COLOR

    async def changed_by_others(self) -> bool:
        """Whether it shows something else than the last ``apply`` left."""
        now = await self.snapshot()
        return self._wanted is not None and not _alike(now, self._wanted)

    async def snapshot(self) -> dict[str, Any]:
        """Read what is shown, each zone of a strip."""
        async with self._lamp.used() as lamp:
            color, power, _ = await lamp.get_color()
            found: dict[str, Any] = {"power": int(power > 0), **_values(color)}
            if isinstance(lamp, self._lifx.MultiZoneLight):
                found["zones"] = [_values(zone) for zone in await lamp.get_all_color_zones()]
        return found

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        before = dict(snapshot)
        power, zones = bool(before.pop("power")), before.pop("zones", None)
        async with self._lamp.used() as lamp:
            if zones and isinstance(lamp, self._lifx.MultiZoneLight):
                await lamp.set_all_color_zones([self._lifx.HSBK(**zone) for zone in zones])
            else:
                await lamp.set_color(self._lifx.HSBK(**before))
            await lamp.set_power(ON if power else 0)
        self._wanted = None

    async def _open(self) -> lifx.Light:
        options = self._options
        if options.host is not None:
            return await self._lifx.Device.connect(
                options.host, port=options.port, timeout=REQUEST_S
            )
        where: dict[str, Any] = {
            "timeout": lan.SEARCH_S,
            "broadcast_address": options.broadcast,
            "port": options.port,
            "device_timeout": REQUEST_S,
        }
        lamp: Any
        if options.serial is not None:
            lamp = await self._lifx.find_by_serial(options.serial, **where)
        else:
            label = str(options.label)
            there = self._lifx.find_by_label(label, exact_match=True, **where)
            async with aclosing(there) as found:
                lamp = await anext(found, None)
        if lamp is None:
            raise LightUnreachableError(f"no LIFX lamp {options.wanted!r} answers in this network")
        return lamp  # type: ignore[no-any-return]


def hsbk(state: LightState) -> dict[str, Any]:
    """Hue in degrees, saturation, brightness and colour temperature of a look that is lit."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in state.color))
    return {
        "hue": round(hue * 360),
        "saturation": round(saturation, 3),
        "brightness": max(0.01, round(value * state.brightness, 3)),
        "kelvin": WHITE_KELVIN,
    }


def _values(color: lifx.HSBK) -> dict[str, float]:
    return {key: getattr(color, key) for key in ("hue", "saturation", "brightness", "kelvin")}


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
    """Each lamp that answers; by its serial number where several have one label."""
    import lifx  # noqa: PLC0415 - an extra

    host, _, port = (at or lan.EVERYBODY).partition(":")
    there = lifx.discover_udp(
        timeout=lan.LIST_S, broadcast_address=host, port=int(port or PORT), device_timeout=REQUEST_S
    )
    lamps: dict[str, tuple[str, str, str]] = {}
    with suppress(lifx.LifxError):  # there is no network
        async with aclosing(there) as devices:
            async for device in devices:
                with suppress(lifx.LifxError):  # it answered, and was gone
                    label = await device.get_label()
                    about = device.model or "LIFX"
                    lamps[device.serial] = label, device.ip, about
                await device.close()
    labels = [label.casefold() for label, _, _ in lamps.values()]
    for serial, (label, ip, about) in lamps.items():
        is_alone = label and labels.count(label.casefold()) == 1
        yield Found(
            label or serial, ip, about, {"label": label} if is_alone else {"serial": serial}
        )


KIND = Kind(
    name="lifx",
    options=LifxOptions,
    open=lambda options, _: lan.opened("lifx", lambda: LifxLight(options)),
    deadline_s=8.0,
    find=find,
)
