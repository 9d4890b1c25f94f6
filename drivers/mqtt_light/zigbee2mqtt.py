"""What only zigbee2mqtt has: a mesh behind it, folders in names, effects that end on command. Pure.

Sources: zigbee2mqtt documentation, "MQTT Topics and Messages"; ``toZigbee.ts`` and ``philips.ts``
of zigbee-herdsman-converters.
"""

from __future__ import annotations

INTERVAL_S = 0.25
"""A mesh carries a few commands a second, and queues what is more."""
PARTS_S = 2.0
"""Each part of a state is asked for on its own; a bulb far away takes its time."""
FRAME_S = 1.0
"""It carries those of other lamps too."""

_HUE_EFFECTS = frozenset({"candle", "fireplace", "sunrise", "sunset", "sparkle", "opal", "glisten"})
_HUE_EFFECTS |= {"prism", "underwater", "cosmos", "sunbeam", "enchant"}


def bridge_topics(topic: str) -> tuple[str, ...]:
    """Where the bridge of the device ``topic`` may tell its state, the nearest folder first.

    Base topics and friendly names both may hold slashes.
    """
    parts = topic.split("/")
    folders = ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1))
    return tuple(f"{folder}/bridge/state" for folder in folders)


def ends_of(effect: str) -> tuple[str, ...]:
    """The effects that end ``effect``; whose ``colorloop`` it is cannot be seen."""
    if effect == "colorloop":
        return "stop_colorloop", "stop_effect"  # of most makers, of a Hue bulb
    return ("stop_hue_effect",) if effect in _HUE_EFFECTS else ("stop_effect",)
