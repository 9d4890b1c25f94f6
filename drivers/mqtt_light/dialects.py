"""The dialect that the options of an ``mqtt`` light ask for. Pure.

Sources for zigbee2mqtt, which has a mesh behind it, folders in names, and effects that end on
command: its documentation, "MQTT Topics and Messages"; ``toZigbee.ts`` and ``philips.ts`` of
zigbee-herdsman-converters.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from bridge.contract.light import Effect
from bridge.contract.wire import encode_json
from drivers.base import Capability
from drivers.looks.template import capability_of, effects_of
from drivers.mqtt_light.dialect import Dialect, command
from drivers.mqtt_light.json_schema import JsonSchema
from drivers.mqtt_light.options import MqttOptions
from drivers.mqtt_light.tasmota import PREFIX, Tasmota, topic_of
from drivers.mqtt_light.template import Template
from drivers.mqtt_light.wled import Wled, preset_key

MESH_INTERVAL_S = 0.25
"""A mesh carries a few commands a second, and queues what is more."""
_MESH_PARTS_S = 2.0
"""Each part of a state is asked for on its own; a bulb far away takes its time."""
_MESH_FRAME_S = 1.0
"""It carries those of other lamps too."""
_HUE_EFFECTS = frozenset({"candle", "fireplace", "sunrise", "sunset", "sparkle", "opal", "glisten"})
_HUE_EFFECTS |= {"prism", "underwater", "cosmos", "sunbeam", "enchant"}


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
    # base topics and friendly names both may hold slashes: the nearest folder comes first
    parts = topic.split("/")
    folders = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    bridges = tuple(f"{folder}/bridge/state" for folder in folders)
    return JsonSchema(
        f"{topic}/set",
        state_topics=(topic,),
        availability_topics=(own, *bridges),
        bridge_topics=bridges,
        ask=command(f"{topic}/get", encode_json(asked)),
        full=254,
        capability=can,
        output=output,
        reports_all=True,
        parts_s=_MESH_PARTS_S,
        ends_of=_ends_of,
        transition_s=options.transition,
        shortest_fade_s=0.1,
        only_changes=True,
        min_interval_s=MESH_INTERVAL_S,
        frame_interval_s=_MESH_FRAME_S,
    )


_KEYS_OF = {Capability.COLOR: 3, Capability.WHITE: 2, Capability.ON_OFF: 1}


def _ends_of(effect: str) -> tuple[str, ...]:
    """The effects that end ``effect``; whose ``colorloop`` it is cannot be seen."""
    if effect == "colorloop":
        return "stop_colorloop", "stop_effect"  # of most makers, of a Hue bulb
    return ("stop_hue_effect",) if effect in _HUE_EFFECTS else ("stop_effect",)


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
        state_topics=_if_given(options.state_topic),
        availability_topics=_if_given(options.availability_topic),
        full=options.brightness_scale,
        capability=_capability(options),
        ends_of=lambda _effect: ("none",),
        transition_s=options.transition,
        shortest_fade_s=math.inf if options.transition is None else 0.1,
    )


def _tasmota(options: MqttOptions) -> Dialect:
    full_topic = options.topic if PREFIX in options.topic else f"{PREFIX}/{options.topic}"
    answers = (("stat", "RESULT"), ("stat", "STATE"), ("tele", "STATE"))  # SetOption4 or not
    return Tasmota(
        full_topic,
        state_topics=tuple(topic_of(full_topic, *answer) for answer in answers),
        availability_topics=(options.availability_topic or topic_of(full_topic, "tele", "LWT"),),
        ask=command(topic_of(full_topic, "cmnd", "State"), ""),
        capability=_capability(options),
        output=_number(options),
    )


def _if_given(topic: str | None) -> tuple[str, ...]:
    return (topic,) if topic else ()


def _number(options: MqttOptions) -> int | None:
    return options.output if isinstance(options.output, int) else None


def _wled(options: MqttOptions) -> Dialect:
    return Wled(
        options.topic,
        state_topics=(f"{options.topic}/v",),  # brightness alone and colour alone say less
        availability_topics=(options.availability_topic or f"{options.topic}/status",),
        effects=frozenset(Effect),
        presets={preset_key(text): number for text, number in options.presets.items()},
        transition_s=options.transition,
        output=_number(options),
    )


def _template(options: MqttOptions) -> Dialect:
    payload = options.payload or ""
    return Template(
        options.topic,
        payload,
        options.payload_off,
        capability=capability_of(options.topic, payload),
        effects=effects_of(options.topic, payload),
        availability_topics=_if_given(options.availability_topic),
    )


_DIALECTS: dict[str, Callable[[MqttOptions], Dialect]] = {
    "zigbee2mqtt": _zigbee2mqtt,
    "esphome": _esphome,
    "json": _json,
    "tasmota": _tasmota,
    "wled": _wled,
    "template": _template,
}
