"""A Hue light or group as a :class:`drivers.base.Light`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers.base import Capability
from drivers.hue.api import HubLight, Target
from drivers.hue.events import Events
from drivers.hue.looks import Body, as_found, body_for, capability_of, shows, writes_to_restore
from drivers.hue.transport import Calls

if TYPE_CHECKING:
    from drivers.hue.hub import Hub

log = logging.getLogger(__name__)

COMMAND_S, LIGHT_INTERVAL_S, GROUP_INTERVAL_S = 0.1, 0.25, 1.0
"""About ten commands a second for all lights of a hub together, one for groups: "Things you need to
know", developers.meethue.com. A lamp leaves room for the other lamps of its hub."""
FRAME_INTERVAL_S = 1.0
"""An animation costs its hub no more than one write a second."""
WHOLE_EVERY_S = 10.0
"""Within this time after a whole write a frame is only what differs: each value is a command of its
own on the air. A whole write is read back, too."""


class _Written(NamedTuple):
    body: Body
    whole_at_s: float
    there_at_s: float
    """When the transition is through."""
    fades: bool = False
    """Only the brightness is on its way."""


Search = Callable[[str], Awaitable[str | None]]
"""The address of the hub with that id, if it answers in this network."""


class HueLight:
    """One light or one group."""

    shortest_fade_s = 0.1

    def __init__(
        self,
        hub: Hub,
        calls: Calls,
        events: Events,
        *,
        search: Search,
        is_group: bool,
        transition_s: float,
        clock: Clock,
    ) -> None:
        self.min_interval_s = GROUP_INTERVAL_S if is_group else LIGHT_INTERVAL_S
        self._hub, self._calls, self._clock = hub, calls, clock
        self._events, self._search = events, search
        self._transition_s = transition_s
        self._found: tuple[Target, Mapping[int, HubLight]] | None = None
        self._written: _Written | None = None
        self._left: tuple[dict[str, Any], list[tuple[int | None, Body]]] | None = None
        """Of a snapshot that could not be brought back at once."""

    async def apply(self, state: LightState) -> None:
        """Show ``state``, whatever others have made of the light meanwhile."""
        target, lights = await self._known()
        body = body_for(state, lights.values())
        self._found = self._written = self._left = None  # until this has worked
        await self._calls(self._hub.write, target, _fading(body, self._transition_s))
        lights = await self._read(target, must_be_reached=body["on"])
        now_s = self._clock.monotonic()
        self._found = target, lights
        self._written = _Written(body, now_s, now_s + self._transition_s)

    async def fade(self, state: LightState, over_s: float) -> None:
        """Show ``state`` after ``over_s`` seconds: what differs from the frame before."""
        target, lights = await self._known()
        body, last = body_for(state, lights.values()), self._written
        self._found = self._written = None
        now_s, whole = self._clock.monotonic(), _fading(body, over_s)
        if last is None or now_s - last.whole_at_s >= WHOLE_EVERY_S:
            await self._calls(self._hub.write, target, whole)
            lights = await self._read(target, must_be_reached=body["on"])
            whole_at_s = now_s
        else:
            change = _fading(_difference(last.body, body), over_s)
            await self._calls(self._hub.write, target, change, otherwise=whole)
            whole_at_s = last.whole_at_s
        self._found = target, lights
        self._written = _Written(body, whole_at_s, now_s + over_s, fades=True)

    async def capability(self) -> Capability:
        """What the light, or the best of the group, can do."""
        _, lights = await self._known()
        return capability_of(lights.values())

    async def snapshot(self) -> dict[str, Any]:
        """How each light is now; the next look ends an effect that runs on it."""
        target, _ = await self._known()
        lights = await self._calls(self._hub.members, target)
        self._found = target, lights
        return {"lights": as_found(lights), "group": target.id if target.is_group else None}

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring each light back; one that cannot be reached does not stop the others.

        A hub takes writes for lamps without power, too: they are brought back when they have it.
        The next try is for those alone that are left: the others may be somebody's by then.
        """
        self._found = self._written = None
        await self._locate()
        if self._left is None or self._left[0] != snapshot:
            writes = writes_to_restore(snapshot["lights"], group=snapshot["group"])
            self._left = snapshot, list(writes)
        failed: LightUnreachableError | None = None
        left = self._left[1]
        for number, body in list(left):
            is_group = number is None
            target = Target(is_group, snapshot["group"] if number is None else number, "found")
            began_s = self._clock.monotonic()
            try:
                await self._calls(self._hub.write, target, body)
                left.remove((number, body))
            except LightUnreachableError as error:
                failed = error
            took_s = self._clock.monotonic() - began_s
            pause_s = GROUP_INTERVAL_S if is_group else COMMAND_S
            await self._clock.sleep(max(0.0, pause_s - took_s))
        if failed:
            raise failed
        self._left = None
        await self._read(_whole(snapshot), must_be_reached=_was_lit(snapshot))

    async def changed_by_others(self) -> bool:
        """Whether an app, a switch or a power cut changed what was written.

        The lights are read only when the hub spoke of them, or cannot speak by itself.
        """
        target, lights = await self._known()
        if not self._events.may_differ(
            self._hub.address, self._hub.pairing, _resources(target, lights)
        ):
            return False
        written, self._found = self._written, None
        must_be_reached = written is None or written.body["on"]
        lights = await self._read(target, must_be_reached=must_be_reached)
        self._found = target, lights  # the next look ends an effect that somebody started
        if written is None:
            return False
        body = written.body
        if self._clock.monotonic() < written.there_at_s:
            self._events.remember()
            if not written.fades:
                return False
            body = {key: value for key, value in body.items() if key != "bri"}
        if all(shows(light, body) for light in lights.values() if light.state.reachable):
            return False
        self._written = None
        return True

    async def is_mended(self) -> bool:
        """Whether a hub was paired, or paired anew, since it refused."""
        with suppress(LightUnreachableError):
            return await self._calls(self._hub.is_paired_anew)
        return False

    async def _locate(self) -> None:
        """See that the hub answers, where it is now.

        Raises:
            LightUnreachableError: It answers nowhere.
            LightRefusedError: Another one is there.
        """
        if self._hub.is_recognised:
            return
        try:
            await self._calls(self._hub.recognise)
        except (LightUnreachableError, LightRefusedError) as error:
            hub_id, before = await self._calls(self._hub.id_to_find), self._hub.address
            address = await self._search(hub_id) if hub_id else None
            if address == before:
                raise
            await self._calls(self._hub.move, address)
            if address is None and isinstance(error, LightUnreachableError):
                raise
            try:
                await self._calls(self._hub.recognise)
            except (LightUnreachableError, LightRefusedError):
                await self._calls(self._hub.move, before)  # what was announced was out of date
                raise
            if address:
                log.info("the hub %s is at %s now", hub_id, address)

    async def _known(self) -> tuple[Target, Mapping[int, HubLight]]:
        await self._locate()
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


def _resources(target: Target, lights: Mapping[int, HubLight]) -> set[str]:
    """The paths of what is shown on."""
    group = {f"/groups/{target.id}"} if target.is_group else set()
    return group | {f"/lights/{number}" for number in lights}


def _whole(snapshot: dict[str, Any]) -> Target:
    """What was read: the group, or the only light."""
    group = snapshot["group"]
    number = next(map(int, snapshot["lights"]), 0) if group is None else group
    return Target(group is not None, number, str(number))


def _was_lit(snapshot: dict[str, Any]) -> bool:
    """Whether any light shone; without power one is as dark as one that was off."""
    return any(values["on"] for values in snapshot["lights"].values())


def _fading(body: Body, over_s: float) -> Body:
    """With the transition, but not when it goes out: some lamps then forget how bright."""
    return {**body, "transitiontime": round(over_s * 10)} if body.get("on", True) else body


def _difference(last: Body, body: Body) -> Body:
    """What ``body`` changes, or all of it when that is nothing or it switches the light."""
    if last["on"] != body["on"]:
        return body
    changed = {key: value for key, value in body.items() if last.get(key) != value}
    return changed or body
