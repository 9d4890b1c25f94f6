"""How a light appears: the one value that a driver turns into frames."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

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


OFF = LightState(on=False)
