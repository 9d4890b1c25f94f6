"""The ``mqtt`` kind: any light that listens on the broker, over the driver's own connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from drivers.base import Kind, Light, Surroundings
from drivers.mqtt_light.dialects import MESH_INTERVAL_S, dialect_of
from drivers.mqtt_light.light import MqttLight
from drivers.mqtt_light.options import MqttOptions
from drivers.mqtt_light.template import MqttSign, Template


@asynccontextmanager
async def _open(options: MqttOptions, around: Surroundings) -> AsyncIterator[Light]:
    dialect = dialect_of(options)
    light = MqttLight(dialect, around.bus, around.clock)
    if options.is_sign and isinstance(dialect, Template):
        light = MqttSign(dialect, around.bus, around.clock, names=options.words)
    light.listen()
    yield light


def tailored(options: MqttOptions) -> Kind[MqttOptions]:
    """The kind as the device of ``options`` makes it: WLED moves alone, a white bulb has no hue."""
    dialect = dialect_of(options)
    return replace(
        KIND,
        effects=dialect.effects,
        min_interval_s=dialect.min_interval_s,
        frame_interval_s=dialect.frame_interval_s,
        color_modes=frozenset({dialect.capability.value}),
    )


KIND = Kind(
    name="mqtt",
    options=MqttOptions,
    open=_open,
    uses_bus=True,
    tailored=tailored,
    min_interval_s=MESH_INTERVAL_S,
)
