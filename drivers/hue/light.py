"""A Hue light or group as a :class:`drivers.base.Light`. Never blocks, and never decides a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers.hue.calls import Calls
from drivers.hue.records import (
    Body,
    HubLight,
    Target,
    as_found,
    bodies_to_restore,
    body_for,
    shows,
)

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

COMMAND_S, LIGHT_INTERVAL_S, GROUP_INTERVAL_S = 0.1, 0.25, 1.0
"""About ten commands a second for all lights of a hub together, one for groups: "Things you need to
know", developers.meethue.com. A lamp leaves room for the other lamps of its hub."""
WHOLE_EVERY_S = 10.0
"""Within this time after a whole write only what differs is sent: each value is a command of its
own on the air, and an animation sends many. A whole write is read back, too."""


@dataclass(frozen=True)
class _Written:
    body: Body
    at_s: float
    whole_at_s: float


class HueLight:
    """One light or one group."""

    def __init__(
        self, hub: Hub, calls: Calls, *, is_group: bool, transition_s: float, clock: Clock
    ) -> None:
        self.min_interval_s = GROUP_INTERVAL_S if is_group else LIGHT_INTERVAL_S
        self._hub, self._calls, self._clock = hub, calls, clock
        self._transition_s = transition_s
        self._found: tuple[Target, Mapping[int, HubLight]] | None = None
        self._written: _Written | None = None

    async def apply(self, state: LightState) -> None:
        """Show ``state``: all of it, or what differs from a write just before."""
        target, lights = await self._known()
        body, last = body_for(state, lights.values()), self._written
        self._found = self._written = None  # until this has worked
        now_s = self._clock.monotonic()
        if last is None or now_s - last.whole_at_s >= WHOLE_EVERY_S:
            await self._calls(self._hub.write, target, self._fading(body, body))
            lights = await self._read(target, must_be_reached=body["on"])
            whole_at_s = now_s
        else:
            change = self._fading(_difference(last.body, body), body)
            whole = self._fading(body, body)
            await self._calls(self._hub.write, target, change, otherwise=whole)
            whole_at_s = last.whole_at_s
        self._found = target, lights
        self._written = _Written(body, now_s, whole_at_s)

    async def snapshot(self) -> dict[str, Any]:
        """How each light is now."""
        target, _ = await self._known()
        return {"lights": as_found(await self._calls(self._hub.members, target))}

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring each light back; one that cannot be reached does not stop the others."""
        self._found = self._written = None
        failed: LightUnreachableError | None = None
        for number, found in snapshot["lights"].items():
            light = Target(is_group=False, id=int(number), name=number)
            for body in bodies_to_restore(found):
                try:
                    await self._calls(self._hub.write, light, body)
                except LightUnreachableError as error:
                    failed = error
                    break
                await self._clock.sleep(COMMAND_S)
        if failed:
            raise failed

    async def changed_by_others(self) -> bool:
        """Whether an app, a switch or a power cut changed what ``apply`` wrote."""
        if self._found is None or self._written is None:
            return False
        if self._clock.monotonic() - self._written.at_s < self._transition_s:
            return False
        target, _ = self._found
        body = self._written.body
        lights = await self._read(target, must_be_reached=body["on"])
        if all(shows(light, body) for light in lights.values() if light.state.reachable):
            return False
        self._written = None
        return True

    async def _known(self) -> tuple[Target, Mapping[int, HubLight]]:
        if self._found is None:
            target = await self._calls(self._hub.find)
            lights = await self._calls(self._hub.members, target)
            if not lights:
                raise LightRefusedError(
                    f"{target} has no lights.", remedy="Add lights to it in the Hue app."
                )
            self._found = target, lights
        return self._found

    async def _read(self, target: Target, *, must_be_reached: bool) -> Mapping[int, HubLight]:
        """The lights. Without power a lamp is dark, which is all that a look that is off asks."""
        lights = await self._calls(self._hub.members, target)
        if must_be_reached and not any(light.state.reachable for light in lights.values()):
            raise LightUnreachableError(f"the hub cannot reach {target}: is the power on?")
        return lights

    def _fading(self, change: Body, body: Body) -> Body:
        """With the transition, but not when it goes out: some lamps then forget how bright."""
        if not body["on"]:
            return change
        return {**change, "transitiontime": round(self._transition_s * 10)}


def _difference(last: Body, body: Body) -> Body:
    """What ``body`` changes, or all of it when that is nothing or it switches the light."""
    if last["on"] != body["on"]:
        return body
    changed = {key: value for key, value in body.items() if last.get(key) != value}
    return changed or body
