"""The keys of ``[drivers.NAME]`` with ``kind = "mqtt"``, and the dialect they ask for."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bridge.config.tables.base import Settings
from bridge.contract.wire import encode_json
from drivers.base import Capability
from drivers.mqtt_light import template, zigbee2mqtt
from drivers.mqtt_light.dialect import Dialect, command
from drivers.mqtt_light.json_schema import JsonSchema
from drivers.mqtt_light.tasmota import PREFIX, Tasmota
from drivers.mqtt_light.wled import Wled, preset_key

Preset = Annotated[int, Field(ge=1, le=250)]
Endpoint = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_]{1,32}$")]


def _one_topic(value: str) -> str:
    if any(mark in value for mark in "+#\x00"):
        raise ValueError("one topic, no pattern: + and # cannot stand in it")
    if value.startswith("/"):
        raise ValueError("write it without a slash in front")
    return value


Topic = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_topic)]


class MqttOptions(Settings):
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
            template.check(self.topic)
        return self


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
}


_WHY_NOT = {
    "brightness_scale": "the others have one of their own",
    "output": "with others each light has a topic of its own",
}


def dialect_of(options: MqttOptions) -> Dialect:
    """What ``options`` ask for."""
    return _DIALECTS[options.device](options)


def _capability(options: MqttOptions) -> Capability:
    if not options.dimmable:
        return Capability.ON_OFF
    return Capability.COLOR if options.color else Capability.WHITE


def _zigbee2mqtt(options: MqttOptions) -> Dialect:
    topic = options.topic
    own = options.availability_topic or f"{topic}/availability"
    can = _capability(options)
    keys = ("state", "brightness", "color")[: _KEYS_OF[can]]
    output = f"l{options.output}" if isinstance(options.output, int) else options.output
    asked = {f"{key}_{output}" if output else key: "" for key in keys}
    bridges = zigbee2mqtt.bridge_topics(topic)
    return JsonSchema(
        f"{topic}/set",
        state_topics=(topic,),
        availability_topics=(own, *bridges),
        bridge_topics=bridges,
        ask=command(f"{topic}/get", encode_json(asked)),
        full=254,
        capability=can,
        output=output,
        tells_all=True,
        parts_s=zigbee2mqtt.PARTS_S,
        end_of=zigbee2mqtt.end_of,
        transition_s=options.transition,
        shortest_fade_s=0.1,
        only_changes=True,
        min_interval_s=zigbee2mqtt.INTERVAL_S,
        frame_interval_s=zigbee2mqtt.FRAME_S,
    )


_KEYS_OF = {Capability.COLOR: 3, Capability.WHITE: 2, Capability.ON_OFF: 1}


def _esphome(options: MqttOptions) -> Dialect:
    node = options.topic.rpartition("/light/")[0] or options.topic
    return JsonSchema(
        f"{options.topic}/command",
        state_topics=(options.state_topic or f"{options.topic}/state",),
        availability_topics=(options.availability_topic or f"{node}/status",),
        capability=_capability(options),
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
        full=options.brightness_scale,
        capability=_capability(options),
        end_of=lambda _effect: "none",
        transition_s=options.transition,
        shortest_fade_s=math.inf if options.transition is None else 0.1,
    )


def _tasmota(options: MqttOptions) -> Dialect:
    full_topic = options.topic if PREFIX in options.topic else f"{PREFIX}/{options.topic}"
    return Tasmota(
        full_topic,
        availability_topic=options.availability_topic,
        capability=_capability(options),
        output=_number(options),
    )


def _number(options: MqttOptions) -> int | None:
    return options.output if isinstance(options.output, int) else None


def _wled(options: MqttOptions) -> Dialect:
    return Wled(
        options.topic,
        availability_topic=options.availability_topic,
        presets={preset_key(text): number for text, number in options.presets.items()},
        transition_s=options.transition,
        output=_number(options),
    )


def _template(options: MqttOptions) -> Dialect:
    return template.Template(
        options.topic,
        options.payload or "",
        options.payload_off,
        capability=template.capability_of(options.topic, options.payload or ""),
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
