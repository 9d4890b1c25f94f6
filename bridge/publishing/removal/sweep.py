"""Recognises what an earlier life of this bridge left on the broker. Never touches foreign things.

A stored discovery message is ours when its origin is ours and its device belongs to our instance.
"""

from __future__ import annotations

from typing import Any

from bridge.broker import Received
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, slug
from bridge.contract.wire import decode_json
from bridge.publishing.discovery.payloads import ORIGIN_NAME

LISTEN_S = 5.0


def announced_account(received: Received, topics: Topics) -> str | None:
    """Whose discovery message of ours ``received`` is; ``None`` for what is not ours."""
    if not received.payload:
        return None
    try:
        payload = decode_json(received.payload)
        if _origin(payload) != ORIGIN_NAME:
            return None
        prefix = f"{topics.instance}_account_"
        named = [name for name in _identifiers(payload) if name.startswith(prefix)]
        return slug(named[0].removeprefix(prefix)) if named else None
    except ContractError:
        return None


def stored_account(received: Received) -> str | None:
    """Whose topic ``received`` is of those below our own ``account``; ``None`` for none."""
    if not received.payload:
        return None
    try:
        return slug(received.topic.split("/")[-2])
    except ContractError:
        return None


def _identifiers(payload: dict[str, Any]) -> list[str]:
    device = payload.get("device")
    names = device.get("identifiers") if isinstance(device, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _origin(payload: dict[str, Any]) -> object:
    origin = payload.get("origin")
    return origin.get("name") if isinstance(origin, dict) else None
