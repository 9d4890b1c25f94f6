"""How devices write on, off, there and a number. Pure.

Sources: Tasmota documentation, "StateText"; Home Assistant documentation, "MQTT Light"; zigbee2mqtt
documentation, "MQTT Topics and Messages" (plain until 1.x, JSON since).
"""

from __future__ import annotations

import math
from typing import Any

from bridge.contract.errors import ContractError
from bridge.contract.wire import decode_json

_ON_OFF = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
_THERE = {"online": True, "offline": False, "true": True, "false": False, "1": True, "0": False}
_NO_EFFECT = {"", "none", "off", "null", "no_effect", "no effect", "solid"}


def is_on(value: Any) -> bool | None:
    """Whether ``value`` says on; ``None`` where it is a word that nobody knows.

    ``ON``, ``true``, ``1``, ``"1"`` and a level alike.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (word := _ON_OFF.get(value.strip().lower())) is not None:
        return word
    level = number(value)
    return None if level is None else level > 0


def number(value: Any) -> float | None:
    """The number that ``value`` is or spells; ``None`` where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def says_online(payload: bytes) -> bool | None:
    """Whether an availability message says online; ``None`` when it says neither.

    ``online``, Tasmota's ``Online`` and zigbee2mqtt's ``{"state":"online"}`` alike.
    """
    try:
        word = str(decode_json(payload).get("state", ""))
    except ContractError:
        word = payload.decode(errors="replace")
    return _THERE.get(word.strip().strip('"').lower())


def effect_of(value: Any) -> str | None:
    """The effect that runs, in the device's own word; ``None`` where none does."""
    text = value.strip() if isinstance(value, str) else ""
    is_end = text.lower().startswith(("stop_", "finish_"))
    return None if is_end or text.lower() in _NO_EFFECT else text
