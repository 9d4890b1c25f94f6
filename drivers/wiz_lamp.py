"""The ``wiz`` kind: WiZ bulbs and plugs, over UDP in the local network, without their cloud.

With pywizlight: Home Assistant's, with releases this year. Its search is not used: it takes the
one port that all drivers of a host would share, and may never end (sbidy/pywizlight#200).
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import LightState
from drivers import lan
from drivers.base import Capability, Found, Kind
from drivers.lan import HardwareAddress, OverNetwork
from drivers.looks.brightness import apart, is_lit, level

if TYPE_CHECKING:
    from pywizlight import wizlight
    from pywizlight.bulblibrary import BulbType

PORT = 38899
WHITE_KELVIN = 4000
_DARKEST = 26
"""Of 255: bulbs refuse less than a tenth."""
_MODES = (("sceneId", "speed"), ("temp",), ("r", "g", "b", "c", "w"))
"""What a bulb shows is of the first of these that is not zero."""
_WATCHED = ("state", "dimming", "temp", "r", "g", "b")


class WizOptions(lan.BroadcastOptions):
    """One bulb, by its MAC or its address."""

    NAMED_BY = ("mac",)

    mac: HardwareAddress | None = None
    port: lan.Port = PORT


class WizLight:
    """One bulb or plug."""

    def __init__(self, options: WizOptions) -> None:
        from pywizlight.exceptions import WizLightError  # noqa: PLC0415 - an extra

        self._options = options
        self._bulb: OverNetwork[wizlight] = OverNetwork(
            f"the WiZ lamp {options.wanted}",
            open_device=self._open,
            prepare=lambda bulb: bulb.get_bulbtype(),
            close_device=lambda bulb: bulb.async_close(),
            errors=(WizLightError,),
        )
        self._wanted: dict[str, Any] = {}
        self.close = self._bulb.close

    async def apply(self, state: LightState) -> None:
        """Show ``state``."""
        async with self._bulb.used() as bulb:
            params = pilot(state, bulb.bulbtype)
            await bulb.send({"method": "setPilot", "params": params})
            self._wanted = params

    async def capability(self) -> Capability:
        """What the bulb's model can do."""
        return capability_of((await self._bulb.device()).bulbtype)

    async def changed_by_others(self) -> bool:
        """Whether it shows something else than the last ``apply`` left."""
        now = await self.snapshot()
        wanted = {key: value for key, value in self._wanted.items() if key in _WATCHED}
        return any(now.get(key, value) != value for key, value in wanted.items())

    async def snapshot(self) -> dict[str, Any]:
        """Read what is shown."""
        async with self._bulb.used() as bulb:
            reply = await bulb.send({"method": "getPilot", "params": {}})
            found: dict[str, Any] = reply["result"]
        kept = {key for mode in _MODES for key in mode} | {"state", "dimming"}
        return {key: value for key, value in found.items() if key in kept}

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read."""
        command = {"method": "setPilot", "params": as_before(snapshot)}
        await self._bulb.call(lambda bulb: bulb.send(command))
        self._wanted = {}

    async def _open(self) -> wizlight:
        from pywizlight import wizlight  # noqa: PLC0415 - as above

        return wizlight(self._options.host or await self._found(), self._options.port)

    async def _found(self) -> str:
        there = _there(self._options.broadcast, self._options.port, within_s=lan.SEARCH_S)
        async with aclosing(there) as found:
            async for mac, address in found:
                if mac == self._options.mac:
                    return address
        raise LightUnreachableError(f"no WiZ lamp {self._options.mac} answers in this network")


def pilot(state: LightState, model: BulbType | None) -> dict[str, Any]:
    """``params`` of the command that shows ``state``."""
    from pywizlight import PilotBuilder  # noqa: PLC0415 - as above

    if not is_lit(state):
        return {"state": False}
    can = capability_of(model)
    if can is Capability.ON_OFF:
        return {"state": True}
    color, dimmed = apart(state)
    brightness = max(_DARKEST, level(dimmed))
    if can is Capability.COLOR and len(set(color)) > 1:
        builder = PilotBuilder(rgb=color, brightness=brightness, state=True)
    elif model and model.features.color_tmp:
        kelvin = WHITE_KELVIN
        if model.kelvin_range:
            kelvin = int(min(model.kelvin_range.max, max(model.kelvin_range.min, kelvin)))
        builder = PilotBuilder(colortemp=kelvin, brightness=brightness, state=True)
    else:
        builder = PilotBuilder(brightness=brightness, state=True)
    return dict(builder.pilot_params)


def capability_of(model: BulbType | None) -> Capability:
    """What a model can do."""
    if model is None or model.features.color:
        return Capability.COLOR
    return Capability.WHITE if model.features.brightness else Capability.ON_OFF


def as_before(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    """``params`` of the command that brings a snapshot back; of the modes that one which held."""
    if not snapshot.get("state"):
        return {"state": False}
    params: dict[str, Any] = {"state": True}
    if "dimming" in snapshot:
        params["dimming"] = snapshot["dimming"]
    for mode in _MODES:
        if any(snapshot.get(key) for key in mode):
            return params | {key: snapshot[key] for key in mode if key in snapshot}
    return params


async def _there(to: str, port: int, *, within_s: float) -> AsyncGenerator[tuple[str, str], None]:
    """MAC and address of each bulb that answers, maybe more than once."""
    from pywizlight.discovery import REGISTER_MESSAGE  # noqa: PLC0415 - as above

    async with aclosing(lan.answers(REGISTER_MESSAGE, (to, port), within_s=within_s)) as heard:
        async for data, address in heard:
            with suppress(ValueError, TypeError, KeyError):  # whoever else listens there
                yield lan.hardware_address(json.loads(data)["result"]["mac"]), address


async def find(at: str | None = None) -> AsyncGenerator[Found, None]:
    """Each bulb that answers, maybe more than once."""
    host, _, port = (at or lan.EVERYBODY).partition(":")
    async with aclosing(_there(host, int(port or PORT), within_s=lan.LIST_S)) as answered:
        async for mac, address in answered:
            yield Found(mac, address, "WiZ", {"mac": mac})


KIND = Kind(
    name="wiz",
    options=WizOptions,
    open=lambda options, _: lan.opened("wiz", lambda: WizLight(options)),
    frame_interval_s=0.25,
    deadline_s=8.0,
    find=find,
)
"""Four frames a second: bulbs fade over half a second by themselves."""
