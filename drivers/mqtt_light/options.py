"""The keys of ``[drivers.NAME]`` with ``kind = "mqtt"``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from drivers.looks.template import check, has_words
from drivers.looks.words import WordSettings
from drivers.mqtt_light.wled import preset_key

Preset = Annotated[int, Field(ge=1, le=250)]
Endpoint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]


def _one_topic(value: str) -> str:
    if any(mark in value for mark in "+#\x00"):
        raise ValueError("one topic, no pattern: + and # cannot be part of it")
    if value.startswith("/"):
        raise ValueError("write it without a slash in front")
    return value


Topic = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_topic)]


class MqttOptions(WordSettings):
    """One light on the broker."""

    device: Literal["zigbee2mqtt", "tasmota", "esphome", "wled", "json", "template"]
    """Whose topics and payloads it has."""
    topic: Topic
    """The device's own topic; for json and template the topic of the command."""
    state_topic: Topic | None = None
    """Where the state is reported (json; esphome, when it is not the usual one)."""
    availability_topic: Topic | None = None
    """Where ``online`` and ``offline`` are reported, when it is not the usual one."""
    color: bool = True
    """Whether it has colours; a white bulb shows the brightness only."""
    dimmable: bool = True
    """Whether it has levels; a plug is only switched on and off."""
    brightness_scale: Annotated[int, Field(ge=1, le=65535)] = 255
    """What full brightness is called (json)."""
    output: Annotated[int, Field(ge=0, le=99)] | Endpoint | None = None
    """Which of several: Tasmota's ``Power2``, an endpoint of zigbee2mqtt, a segment of WLED."""
    transition: Annotated[float, Field(ge=0, le=60)] | None = None
    """Seconds to fade from one look to the next; the device's own habit when not given."""
    presets: dict[str, Preset] = Field(default_factory=dict)
    """WLED presets by look: ``{ red = 1, "red pulse" = 2, off = 3 }``."""
    payload: str | None = None
    """With placeholders such as ``{hex}``."""
    payload_off: str | None = None
    """Sent when the light is off, else ``payload`` with zeros."""

    @field_validator("presets")
    @classmethod
    def _presets_name_looks(cls, value: dict[str, int]) -> dict[str, int]:
        for key in value:
            try:
                preset_key(key)
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        return value

    @field_validator("payload", "payload_off")
    @classmethod
    def _gaps_are_known(cls, value: str | None) -> str | None:
        return None if value is None else check(value)

    @field_validator("topic")
    @classmethod
    def _topic_is_whole(cls, value: str, info: ValidationInfo) -> str:
        if "%topic%" in value:
            raise ValueError("write the device's own topic instead of %topic%")
        is_command = info.data.get("device") in {"json", "template"}
        return value if is_command else value.rstrip("/") or value

    @model_validator(mode="after")
    def _fits_its_device(self) -> Self:
        own = _MEANT_FOR.keys() & self.model_fields_set
        for key in sorted(own):
            if self.device not in _MEANT_FOR[key]:
                only = f"{key} is only for {' and '.join(_MEANT_FOR[key])}"
                raise ValueError(f"{only}: {_WHY_NOT[key]}" if key in _WHY_NOT else only)
        if self.presets and self.output is not None:
            raise ValueError("presets are for all segments: take presets or output out")
        if isinstance(self.output, str) and self.device != "zigbee2mqtt":
            raise ValueError("output must be a number here, as in output = 2")
        if self.output == 0 and self.device != "wled":
            raise ValueError("output: the first one is 1")
        if self.device == "template":
            if self.payload is None:
                raise ValueError('device = "template" needs payload')
            check(self.topic)
            if has_words(self.topic):
                raise ValueError("words cannot be part of a topic")
        if self.words and not self.is_sign:
            raise ValueError("words needs a placeholder for them in payload, such as {look}")
        return self

    @property
    def is_sign(self) -> bool:
        """Whether it shows words."""
        return has_words(self.payload, self.payload_off)


_MEANT_FOR = {
    "state_topic": ("json", "esphome"),
    "color": ("zigbee2mqtt", "tasmota", "esphome", "json"),
    "dimmable": ("zigbee2mqtt", "tasmota", "esphome", "json"),
    "brightness_scale": ("json",),
    "output": ("zigbee2mqtt", "tasmota", "wled"),
    "transition": ("zigbee2mqtt", "esphome", "json", "wled"),
    "presets": ("wled",),
    "payload": ("template",),
    "payload_off": ("template",),
    "words": ("template",),
}

_WHY_NOT = {
    "brightness_scale": "the others have one of their own",
    "output": "with others each light has a topic of its own",
}
