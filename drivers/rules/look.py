"""A look as people write it, and what a light makes of it."""

from __future__ import annotations

import re
from enum import Enum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bridge.contract.light import OFF, Effect, LightState, Rgb

COLORS: dict[str, Rgb] = {
    "red": (255, 0, 0),
    "orange": (255, 90, 0),
    "amber": (255, 140, 0),
    "yellow": (255, 200, 0),
    "green": (0, 255, 0),
    "teal": (0, 180, 140),
    "cyan": (0, 255, 255),
    "blue": (0, 0, 255),
    "indigo": (60, 0, 220),
    "purple": (140, 0, 255),
    "magenta": (255, 0, 255),
    "pink": (255, 60, 130),
    "white": (255, 255, 255),
    "warm": (255, 170, 90),
    "black": (0, 0, 0),
}
"""Names for colours, as they look on LEDs rather than on paper."""

_HEX = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_CHANNELS = 3


def parse_color(value: Any) -> Rgb:
    """Read a name, ``#rrggbb``, ``#rgb`` or ``[r, g, b]``."""
    if isinstance(value, str):
        if value.lower() in COLORS:
            return COLORS[value.lower()]
        if match := _HEX.fullmatch(value):
            text = match.group(1)
            text = text if len(text) > _CHANNELS else "".join(digit * 2 for digit in text)
            return (int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16))
        raise ValueError(f"is not a colour: write #rrggbb, [r, g, b] or one of {', '.join(COLORS)}")
    if (
        isinstance(value, list | tuple)
        and len(value) == _CHANNELS
        and all(type(part) is int and 0 <= part <= 255 for part in value)  # noqa: PLR2004 - a byte
    ):
        return (value[0], value[1], value[2])
    raise ValueError("is not a colour: write [r, g, b] with whole numbers from 0 to 255")


class GiveBack(Enum):
    """No appearance of ours: the lamp as it was found when it was taken, then hands off."""

    GIVE_BACK = "give_back"


GIVE_BACK: Final = GiveBack.GIVE_BACK
Shown = LightState | Literal[GiveBack.GIVE_BACK] | None
"""What a lamp is asked for; ``None`` leaves it as it is."""


class Look(BaseModel):
    """As in ``{ color = "red", effect = "pulse" }``, ``{ off = true }``, ``{ give_back = true }``.

    ``give_back`` stands alone.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True
    )

    color: Annotated[Rgb, BeforeValidator(parse_color)] = (255, 255, 255)
    brightness: Annotated[float, Field(ge=0, le=1)] = 1.0
    effect: Effect = Effect.SOLID
    period: Annotated[float, Field(ge=0.2, le=60)] = 2.0
    """Seconds an effect takes to come round."""
    off: bool = False
    give_back: bool = False
    """As the lamp was found when it was taken; after that it is not touched."""

    @model_validator(mode="after")
    def _gives_back_alone(self) -> Self:
        if self.give_back and (more := sorted(self.model_fields_set - {"give_back"})):
            raise ValueError(f"give_back cannot be combined: take {', '.join(more)} out")
        return self

    def shown(self, scale: float = 1.0) -> LightState | Literal[GiveBack.GIVE_BACK]:
        """What a lamp is asked for whose brightness is scaled by ``scale`` (0 to 1)."""
        return GIVE_BACK if self.give_back else self.state(scale)

    def state(self, scale: float = 1.0) -> LightState:
        """The look as it appears; dark where all that it says is to give back."""
        if self.off or self.give_back:
            return OFF
        return LightState(
            color=self.color,
            brightness=self.brightness * scale,
            effect=self.effect,
            period_s=self.period,
        )
