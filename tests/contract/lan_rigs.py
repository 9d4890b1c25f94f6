"""Lamps of the local network, ready to be opened and unplugged."""

from __future__ import annotations

import time
from typing import Any

from bridge.contract.light import Effect, LightState
from drivers import lifx_lamp, wiz_lamp, yeelight_lamp
from drivers.base import Capability, Kind
from drivers.lifx_lamp import LifxOptions, hsbk
from drivers.testing import Gate, Rig
from drivers.wiz_lamp import WizOptions
from drivers.yeelight_lamp import YeelightOptions
from drivers.yeelight_lamp.commands import look
from tests.fakes.lan_lamps import LifxLamp, WizBulb, Yeelight


class LanRig(Rig):
    restores = True
    gate: Gate

    def __init__(self, lamp: Any) -> None:
        self._lamp, self.gate = lamp, lamp.queued.gate

    @property
    def looks(self) -> int:
        return len(self._lamp.told)

    async def plug(self) -> None:
        await self._lamp.plug()

    async def unplug(self) -> None:
        await self._lamp.unplug()


class LifxRig(LanRig):
    kind: Kind[Any] = lifx_lamp.KIND

    def __init__(self) -> None:
        lamp = LifxLamp()
        super().__init__(lamp)
        self.options = LifxOptions(label="Desk", broadcast="127.0.0.1", port=lamp.port)
        self._before = self._now()

    def _now(self) -> tuple[bool, float, float, float]:
        self._lamp.device.settle()  # it fades only when it is looked at
        state = self._lamp.device.state
        color = state.color
        parts = (color.hue * 360, color.saturation, color.brightness)
        hue, saturation, brightness = (round(part / 65535, 2) for part in parts)
        return state.power_level > 0, round(hue), saturation, brightness

    def shows(self, state: LightState) -> bool:
        on, hue, saturation, brightness = self._now()
        if not (on and state.on):
            return on == state.on
        wanted = hsbk(state)
        apart = abs(saturation - wanted["saturation"]), abs(brightness - wanted["brightness"])
        return max(apart) <= 0.01 and (not saturation or hue % 360 == wanted["hue"] % 360)

    def as_found(self) -> bool:
        return self._now() == self._before


class WizRig(LanRig):
    kind: Kind[Any] = wiz_lamp.KIND

    def __init__(self) -> None:
        bulb = WizBulb()
        super().__init__(bulb)
        self.options = WizOptions(host="127.0.0.1", port=bulb.port)
        self._before = dict(bulb.shown)

    def shows(self, state: LightState) -> bool:
        shown = self._lamp.shown
        if not (shown["state"] and state.on):
            return bool(shown["state"] == state.on)
        level = max(10, round(state.brightness * max(state.color) / 2.55))
        if abs(shown["dimming"] - level) > 1:
            return False
        if len(set(state.color)) == 1:
            return bool(shown["temp"] == 4000)
        strongest = state.color.index(max(state.color))
        return not shown["temp"] and shown["rgb"[strongest]] == max(shown[each] for each in "rgb")

    def as_found(self) -> bool:
        return bool(self._lamp.shown == self._before)


class YeelightRig(LanRig):
    kind: Kind[Any] = yeelight_lamp.KIND

    def __init__(self) -> None:
        lamp = Yeelight(time.monotonic)
        lamp.QUOTA = 10_000  # the suite's clock runs faster than the lamp's
        super().__init__(lamp)
        self.options = YeelightOptions(host="127.0.0.1", port=lamp.port)
        self._before = {key: lamp.shown[key] for key in ("power", "bright", "ct", "color_mode")}

    def shows(self, state: LightState) -> bool:
        _, wanted = look(state, Capability.COLOR)
        shown = self._lamp.shown
        if not all(shown[key] == value for key, value in wanted.items()):
            return False
        return state.effect is Effect.SOLID or self._lamp.told[-1][:2] == ("set_scene", "cf")

    def as_found(self) -> bool:
        return all(self._lamp.shown[key] == value for key, value in self._before.items())
