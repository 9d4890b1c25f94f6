"""How a light appears, and the commands that it takes: values that drivers and page share."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Channel = Annotated[int, Field(ge=0, le=255)]
Rgb = tuple[Channel, Channel, Channel]


class Effect(StrEnum):
    """What a light does over time."""

    SOLID = "solid"
    BLINK = "blink"
    """On for half a period, off for half a period."""
    PULSE = "pulse"
    """Brightness swells and fades once a period."""


class LightState(BaseModel):
    """One appearance of one light."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    on: bool = True
    color: Rgb = (255, 255, 255)
    """Red, green, blue at full brightness, 0 to 255 each."""
    brightness: Annotated[float, Field(ge=0, le=1)] = 1.0
    effect: Effect = Effect.SOLID
    period_s: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """Seconds an effect takes to come round."""

    @property
    def rgb(self) -> Rgb:
        """The colour to send, 0 to 255 each: brightness folded in, black when off."""
        if not self.on:
            return (0, 0, 0)
        red, green, blue = (round(channel * self.brightness) for channel in self.color)
        return (red, green, blue)


OFF = LightState.model_construct(on=False)  # the bridge validates no look at its start

PRESENCE, FROZEN = "presence", "off"
"""The effects: follow presence; keep what is shown."""
LONGEST_S = 7 * 86_400
"""A week: what a person sets for longer than that has no end."""


class Can(StrEnum):
    """A key of a command that Home Assistant does not know, and drivers of before neither."""

    FOR_S = "for_s"
    TRY = "try"


class Color(BaseModel):
    """``color`` in a command."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    r: Channel
    g: Channel
    b: Channel


class LightCommand(BaseModel):
    """The JSON on ``driver/<d>/light/set``.

    Source: Home Assistant documentation, "MQTT Light", JSON schema; ``for_s`` and ``try`` are ours.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, populate_by_name=True)

    state: Literal["ON", "OFF"] | None = None
    brightness: Channel | None = None
    color: Color | None = None
    effect: str | None = None
    for_s: Annotated[float, Field(gt=0, le=LONGEST_S, allow_inf_nan=False)] | None = None
    """Seconds after which presence takes over."""
    trial: Annotated[bool | None, Field(alias="try")] = None
    """Show each look in turn, or stop that."""
