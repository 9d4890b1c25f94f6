"""What the forms of a lamp ask for, checked against the snapshot, and sent to its driver."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from bridge.contract.commands import Commands
from bridge.contract.latest import Latest
from bridge.contract.light import PRESENCE, Can, Color, LightCommand
from bridge.web.data.snapshot import Light, Snapshot
from bridge.web.refused import Fields, RefusedError
from bridge.web.render.lights import FOLLOW, OFF_FOR, OFF_FOR_S, SET, TRY

_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)
_WHITE = "#ffffff"
_FULL = 100


class LampPosts:
    """One method for each form of a lamp; it returns the command to send."""

    def __init__(self, view: Latest[Snapshot], commands: Commands) -> None:
        self._view, self._commands = view, commands

    @property
    def forms(self) -> dict[str, Callable[[Fields], Awaitable[str]]]:
        """As those of ``Posts``."""
        return {
            FOLLOW: self._sends(lambda _, __: LightCommand(state="ON", effect=PRESENCE)),
            TRY: self._sends(_try),
            OFF_FOR: self._sends(_off_for),
            SET: self._sends(_set),
        }

    def _sends(
        self, command: Callable[[Light, Fields], LightCommand]
    ) -> Callable[[Fields], Awaitable[str]]:
        async def send(fields: Fields) -> str:
            light = self._light(fields)
            self._commands.command_light(light.name, command(light, fields))
            return light.row

        return send

    def _light(self, fields: Fields) -> Light:
        for light in self._view.value.lights:
            if light.name == fields.get("light", ""):
                return light
        raise RefusedError("There is no such light any more.")


def _try(light: Light, _fields: Fields) -> LightCommand:
    """A second press stops: what the driver said last counts, not what the reader's page shows."""
    _check(light, Can.TRY)
    assert light.why is not None
    return LightCommand(trial=light.why.trying is None)


def _off_for(light: Light, _fields: Fields) -> LightCommand:
    _check(light, Can.FOR_S)
    return LightCommand(state="OFF", for_s=OFF_FOR_S)


def _set(_light: Light, fields: Fields) -> LightCommand:
    color = _COLOR.fullmatch(fields.get("color", _WHITE))
    percent = fields.get("brightness", str(_FULL))
    if color is None:
        raise RefusedError("Choose a colour.")
    if not re.fullmatch(r"[0-9]{1,3}", percent) or not 1 <= int(percent) <= _FULL:
        raise RefusedError("Brightness is 1 to 100 %.")
    red, green, blue = (int(channel, 16) for channel in color.groups())
    return LightCommand(
        state="ON",
        color=Color(r=red, g=green, b=blue),
        brightness=round(255 * int(percent) / _FULL),
    )


def _check(light: Light, key: Can) -> None:
    if not light.can(key):
        raise RefusedError(f"The driver of {light.name} is older and cannot do that: update it.")
