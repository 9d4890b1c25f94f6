"""The ``serial`` kind: Adalight, WLED or our own sketch behind a serial port. No I/O on import."""

from __future__ import annotations

from bridge.contract.light import Effect
from drivers.base import Kind
from drivers.serial_lamp.light import open_light
from drivers.serial_lamp.options import SerialOptions

KIND = Kind(
    name="serial",
    options=SerialOptions,
    open=open_light,
    effects=frozenset(Effect),
    min_interval_s=0.05,
    deadline_s=6.0,
)
"""All effects: the boards do them alone, and Adalight, which is a stream anyway, has them drawn in
the light's own stream."""
