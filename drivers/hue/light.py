"""A Hue light or group as a :class:`drivers.base.Light`.

Each step is one call on the light's own thread, where its methods that begin with ``_`` run.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers.base import Capability
from drivers.hue import looks
from drivers.hue.api import HubLight, Target
from drivers.hue.events import Events
from drivers.hue.looks import Body, Write

if TYPE_CHECKING:
    from drivers.hue.hub import Hub
    from drivers.hue.options import HueOptions

log = logging.getLogger(__name__)

COMMAND_S, LIGHT_INTERVAL_S, GROUP_INTERVAL_S = 0.1, 0.25, 1.0
"""About ten commands a second for all lights of a hub together, one for groups: "Things you need to
know", developers.meethue.com. A lamp leaves room for the other lamps of its hub."""
FRAME_INTERVAL_S = 1.0
"""An animation costs its hub no more than one write a second."""
WHOLE_EVERY_S = 10.0
"""Within this time after a whole write a frame is only what differs: each value is a command of its
own on the air. A whole write is read back, too."""

Lights = Mapping[int, HubLight]
Search = Callable[[str], Awaitable[str | None]]
"""The address of the hub with that id, if it answers in this network."""


class _Written(NamedTuple):
    body: Body
    whole_at_s: float
    there_at_s: float
    """When the transition is through."""
    fades: bool
    """Only the brightness is on its way."""


class HueLight:
    """One light or one group."""

    shortest_fade_s = 0.1

    def __init__(
        self,
        options: HueOptions,
        hub: Hub,
        events: Events,
        *,
        search: Search,
        clock: Clock,
    ) -> None:
        self.min_interval_s = LIGHT_INTERVAL_S if options.group is None else GROUP_INTERVAL_S
        self._transition_s = options.transition
        self._hub, self._events = hub, events
        self._search, self._clock = search, clock
        self._found: tuple[Target, Lights] | None = None
        self._written: _Written | None = None
        self._left: tuple[dict[str, Any], list[Write]] | None = None
        """Of a snapshot that could not be brought back at once."""

    async def apply(self, state: LightState) -> None:
        """Show ``state``, whatever others have made of the light meanwhile."""
        await self._locate()
        self._left = None
        await self._hub.call(self._show, state, self._transition_s)

    async def fade(self, state: LightState, over_s: float) -> None:
        """Show ``state`` after ``over_s`` seconds: what differs from the frame before."""
        await self._locate()
        await self._hub.call(self._show, state, over_s, is_frame=True)

    async def capability(self) -> Capability:
        """What the light, or the best of the group, can do."""
        await self._locate()
        _, lights = await self._hub.call(self._target)
        return looks.capability_of(lights.values())

    async def snapshot(self) -> dict[str, Any]:
        """How each light is now; the next look ends an effect that runs on it."""
        await self._locate()
        target, lights = await self._hub.call(self._target, anew=True)
        return {"lights": looks.as_found(lights), "group": target.id if target.is_group else None}

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring each light back; one that cannot be reached does not stop the others.

        A hub takes writes for lamps without power, too: they are brought back when they have it.
        The next try is for those alone that are left: the others may be somebody's by then.
        """
        await self._locate()
        if self._left is None or self._left[0] != snapshot:
            writes = looks.writes_to_restore(snapshot["lights"], group=snapshot["group"])
            self._left = snapshot, list(writes)
        left, failed = self._left[1], None
        for write in list(left):
            began_s = self._clock.monotonic()
            try:
                await self._hub.call(self._put_back, snapshot, write)
                left.remove(write)
            except LightUnreachableError as error:
                failed = error
            pause_s = GROUP_INTERVAL_S if write.number is None else COMMAND_S
            await self._clock.sleep(max(0.0, pause_s + began_s - self._clock.monotonic()))
        if failed:
            raise failed
        self._left = None
        await self._hub.call(self._look_back, snapshot)

    async def changed_by_others(self) -> bool:
        """Whether an app, a switch or a power cut changed what was written.

        The lights are read only when the hub spoke of them, or cannot speak by itself.
        """
        await self._locate()
        self._events.follow(self._hub.transport.address, self._hub.pairing)
        return await self._hub.call(self._is_changed)

    async def is_mended(self) -> bool:
        """Whether a hub was paired, or paired anew, since it refused."""
        try:
            return await self._hub.call(self._hub.is_paired_anew)
        except LightUnreachableError:
            return False

    async def _locate(self) -> None:
        """See that the hub answers, where it is now. Raises as ``apply`` does."""
        if self._hub.is_recognised:
            return
        try:
            await self._hub.call(self._hub.recognise)
        except (LightUnreachableError, LightRefusedError) as error:
            hub_id, before = await self._hub.call(self._hub.id_to_find), self._hub.transport.address
            address = await self._search(hub_id) if hub_id else None
            if address == before:
                raise
            await self._hub.call(self._hub.move, address)
            if address is None and isinstance(error, LightUnreachableError):
                raise
            try:
                await self._hub.call(self._hub.recognise)
            except (LightUnreachableError, LightRefusedError):
                await self._hub.call(self._hub.move, before)  # what was announced was out of date
                raise
            if address:
                log.info("the hub %s is at %s now", hub_id, address)

    def _target(self, *, anew: bool = False) -> tuple[Target, Lights]:
        """What is shown on, and how it was when it was read last, or is now."""
        if self._found is None or anew:
            target = self._found[0] if self._found else self._hub.find()
            self._found = None  # until this has worked
            lights = self._hub.members(target)
            if not lights:
                raise LightRefusedError(
                    f"{target} has no lights.", remedy="Add lights to it in the Hue app."
                )
            self._found = target, lights
        return self._found

    def _show(self, state: LightState, over_s: float, *, is_frame: bool = False) -> None:
        target, lights = self._target()
        body, last = looks.body_for(state, lights.values()), self._written
        self._found = self._written = None  # until this has worked
        whole, whole_at_s = looks.fading(body, over_s), self._clock.monotonic()
        if is_frame and last and whole_at_s - last.whole_at_s < WHOLE_EVERY_S:
            change = looks.fading(looks.difference(last.body, body), over_s)
            self._hub.write(target, change, otherwise=whole)
            whole_at_s = last.whole_at_s
        else:
            self._hub.write(target, whole)
            lights = self._read(target, must_be_reached=body["on"])
        self._found = target, lights
        there_at_s = self._clock.monotonic() + over_s
        self._written = _Written(body, whole_at_s, there_at_s, fades=is_frame)

    def _is_changed(self) -> bool:
        target, lights = self._target()
        group = {f"/groups/{target.id}"} if target.is_group else set()
        if not self._events.may_concern(group | {f"/lights/{number}" for number in lights}):
            return False
        written, self._found = self._written, None
        lights = self._read(target, must_be_reached=written is None or written.body["on"])
        self._found = target, lights  # the next look ends an effect that somebody started
        if written is None:
            return False
        body = written.body
        if self._clock.monotonic() < written.there_at_s:
            self._events.remember()
            if not written.fades:
                return False
            body = {key: value for key, value in body.items() if key != "bri"}
        if all(looks.shows(light, body) for light in lights.values() if light.state.reachable):
            return False
        self._written = None
        return True

    def _put_back(self, snapshot: dict[str, Any], write: Write) -> None:
        self._found = self._written = None
        is_group = write.number is None
        number = snapshot["group"] if write.number is None else write.number
        self._hub.write(Target(is_group, number, "found"), write.body)

    def _look_back(self, snapshot: dict[str, Any]) -> None:
        """Without power a lamp is as dark as one that was off."""
        group, found = snapshot["group"], snapshot["lights"]
        number = next(map(int, found), 0) if group is None else group
        was_lit = any(values["on"] for values in found.values())
        self._read(Target(group is not None, number, str(number)), must_be_reached=was_lit)

    def _read(self, target: Target, *, must_be_reached: bool) -> Lights:
        """The lights. Without power a lamp is dark, which is all that a look that is off asks."""
        lights = self._hub.members(target)
        if must_be_reached and not any(light.state.reachable for light in lights.values()):
            raise LightUnreachableError(f"the hub cannot reach {target}: is the power on?")
        return lights
