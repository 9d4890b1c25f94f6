"""A device of any other tongue: a topic and payload with gaps to fill. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.config.validation_errors import unknown
from bridge.contract.errors import ContractError
from bridge.contract.light import LightState
from bridge.contract.wire import Message
from drivers.base import Capability
from drivers.brightness import is_lit
from drivers.mqtt_light.dialect import Dialect, Frame, Reported, Seen, command

_GAP = re.compile(r"\{([A-Za-z_]+)\}")


def values(state: LightState) -> dict[str, str]:
    """What may stand in a gap, by name."""
    lit = is_lit(state)
    r, g, b = state.rgb
    red, green, blue = state.color
    return {
        "state": "ON" if lit else "OFF",
        "r": str(r),
        "g": str(g),
        "b": str(b),
        "hex": f"{r:02x}{g:02x}{b:02x}",
        "red": str(red),
        "green": str(green),
        "blue": str(blue),
        "brightness": str(round(state.brightness * 255) if lit else 0),
        "percent": str(round(state.brightness * 100) if lit else 0),
    }


NAMES = sorted(values(LightState()))
_OF_WHITE = {"brightness", "percent"}


def check(template: str) -> str:
    """Return ``template`` when each ``{word}`` in it is a gap; other braces are left alone.

    Raises:
        ValueError: One is not; the text offers the nearest.
    """
    for name in _GAP.findall(template):
        if name not in NAMES:
            raise ValueError(f"{{{name}}}: {unknown(name, NAMES)}")
    return template


def fill(template: str, state: LightState) -> str:
    """``template`` with ``state`` in its gaps."""
    filled = values(state)
    return _GAP.sub(lambda gap: filled[gap.group(1)], template)


def capability_of(*templates: str) -> Capability:
    """What a device can show that is reported no more than what is in the gaps."""
    gaps = {name for template in templates for name in _GAP.findall(template)} - {"state"}
    if gaps - _OF_WHITE:
        return Capability.COLOR
    return Capability.WHITE if gaps else Capability.ON_OFF


@dataclass(frozen=True)
class Template(Dialect):
    """One device that only listens."""

    topic: str
    payload: str
    payload_off: str | None = None
    availability_topics: tuple[str, ...] = ()
    state_topics: tuple[str, ...] = ()

    def show(self, state: LightState, _frame: Frame | None = None) -> Message:
        """The command that shows ``state``."""
        own_off = None if is_lit(state) else self.payload_off
        return command(fill(self.topic, state), fill(own_off or self.payload, state))

    def read(self, payload: bytes) -> Reported:
        """Never asked for: there is no state topic.

        Raises:
            ContractError: Always.
        """
        raise ContractError(f"a template reads nothing: {len(payload)} bytes")

    def seen(self, _reported: Reported) -> Seen | None:
        """Nothing is known of its state."""
        return None

    def put_back(self, _reported: Reported) -> Message:
        """Off: what was there is not known."""
        return self.show(LightState(on=False))
