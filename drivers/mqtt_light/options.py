"""The keys of ``[drivers.NAME]`` with ``kind = "mqtt"``, and the dialect they ask for. No I/O."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from bridge.config import Settings
from bridge.contract.wire import encode_json
from drivers.mqtt_light import template
from drivers.mqtt_light.dialect import Dialect, command
from drivers.mqtt_light.json_schema import JsonSchema
from drivers.mqtt_light.tasmota import PREFIX, Tasmota
from drivers.mqtt_light.wled import Wled, preset_key

Topic = Annotated[str, StringConstraints(pattern=r"^[^+#/\x00][^+#\x00]*$", max_length=200)]
Preset = Annotated[int, Field(ge=1, le=250)]

ZIGBEE_INTERVAL_S = 0.25
"""A mesh carries a few commands a second, and queues what is more."""
ZIGBEE_FRAME_S = 1.0
"""It carries those of other lamps too."""


class MqttOptions(Settings):
    """One light on the broker."""

    device: Literal["zigbee2mqtt", "tasmota", "esphome", "wled", "json", "template"]
    """Whose topics and payloads it has."""
    topic: Topic
    """The device's own topic; for json and template the topic of the command."""
    state_topic: Topic | None = None
    """Where the state is told (json; esphome, when it is not the usual one)."""
    availability_topic: Topic | None = None
    """Where ``online`` and ``offline`` are told, when it is not the usual one."""
    color: bool = True
    """Whether it has colours; a white bulb shows the brightness only."""
    transition: Annotated[float, Field(ge=0, le=60)] | None = None
    """Seconds to fade from one look to the next; the device's own habit when not given."""
    presets: dict[str, Preset] = Field(default_factory=dict)
    """WLED presets by look: ``{ red = 1, "red pulse" = 2, off = 3 }``."""
    payload: str | None = None
    """With gaps such as ``{hex}``."""
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
        return None if value is None else template.check(value)

    @model_validator(mode="after")
    def _fits_its_device(self) -> Self:
        own = _MEANT_FOR.keys() & self.model_fields_set
        for key in sorted(own):
            if self.device not in _MEANT_FOR[key]:
                raise ValueError(f"{key} is only for {' and '.join(_MEANT_FOR[key])}")
        if self.device == "template":
            if self.payload is None:
                raise ValueError('device = "template" needs payload')
            template.check(self.topic)
        return self


_MEANT_FOR = {
    "state_topic": ("json", "esphome"),
    "color": ("zigbee2mqtt", "tasmota", "esphome", "json"),
    "transition": ("zigbee2mqtt", "esphome", "json", "wled"),
    "presets": ("wled",),
    "payload": ("template",),
    "payload_off": ("template",),
}


def dialect_of(options: MqttOptions) -> Dialect:
    """What ``options`` ask for."""
    return _DIALECTS[options.device](options)


def _zigbee2mqtt(options: MqttOptions) -> Dialect:
    topic = options.topic
    own = options.availability_topic or f"{topic}/availability"
    keys = ("state", "brightness", "color") if options.color else ("state", "brightness")
    return JsonSchema(
        f"{topic}/set",
        state_topics=(topic,),
        availability_topics=(own, f"{topic.partition('/')[0]}/bridge/state"),
        ask=command(f"{topic}/get", encode_json(dict.fromkeys(keys, ""))),
        full=254,
        color=options.color,
        transition_s=options.transition,
        shortest_fade_s=0.1,
        only_changes=True,
        min_interval_s=ZIGBEE_INTERVAL_S,
        frame_interval_s=ZIGBEE_FRAME_S,
    )


def _esphome(options: MqttOptions) -> Dialect:
    node = options.topic.partition("/light/")[0]
    return JsonSchema(
        f"{options.topic}/command",
        state_topics=(options.state_topic or f"{options.topic}/state",),
        availability_topics=(options.availability_topic or f"{node}/status",),
        color=options.color,
        transition_s=options.transition,
        shortest_fade_s=1.0,
        whole_seconds=True,
        has_effects=True,
    )


def _json(options: MqttOptions) -> Dialect:
    return JsonSchema(
        options.topic,
        state_topics=(options.state_topic,) if options.state_topic else (),
        availability_topics=(options.availability_topic,) if options.availability_topic else (),
        color=options.color,
        transition_s=options.transition,
        shortest_fade_s=math.inf if options.transition is None else 0.1,
    )


def _tasmota(options: MqttOptions) -> Dialect:
    full_topic = options.topic if PREFIX in options.topic else f"{PREFIX}/{options.topic}"
    return Tasmota(full_topic, availability_topic=options.availability_topic, color=options.color)


def _wled(options: MqttOptions) -> Dialect:
    return Wled(
        options.topic,
        availability_topic=options.availability_topic,
        presets={preset_key(text): number for text, number in options.presets.items()},
        transition_s=options.transition,
    )


def _template(options: MqttOptions) -> Dialect:
    return template.Template(
        options.topic,
        options.payload or "",
        options.payload_off,
        availability_topics=(options.availability_topic,) if options.availability_topic else (),
    )


_DIALECTS: dict[str, Callable[[MqttOptions], Dialect]] = {
    "zigbee2mqtt": _zigbee2mqtt,
    "esphome": _esphome,
    "json": _json,
    "tasmota": _tasmota,
    "wled": _wled,
    "template": _template,
}
