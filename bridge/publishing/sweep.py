"""Finds what an earlier life of this bridge left on the broker. Never touches foreign things.

A stored discovery message is ours when its origin is ours and its device belongs to our instance.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from bridge.broker import Received
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json
from bridge.publishing.discovery import ORIGIN_NAME

LISTEN_S = 5.0
LEAVES = ("state", "attributes", "availability", "auth", "preferred")


def leftover(received: Received, topics: Topics, followed: Collection[str]) -> list[Message]:
    """The messages that clear ``received``, when it is an account of ours that is no more."""
    if not received.payload:
        return []
    try:
        payload = decode_json(received.payload)
    except ContractError:
        return []
    prefix = f"{topics.instance}_account_"
    account = next(
        (name.removeprefix(prefix) for name in _identifiers(payload) if name.startswith(prefix)),
        None,
    )
    if account is None or account in followed or _origin(payload) != ORIGIN_NAME:
        return []
    return cleared(topics, account, received.topic)


def cleared(topics: Topics, account: str, config_topic: str) -> list[Message]:
    """Empty the device of ``account`` and everything stored about it."""
    base = topics.account("+", "state").partition("+")[0]
    return [
        Message(config_topic, b""),
        *(Message(f"{base}{account}/{leaf}", b"") for leaf in LEAVES),
    ]


def _identifiers(payload: dict[str, Any]) -> list[str]:
    device = payload.get("device")
    names = device.get("identifiers") if isinstance(device, dict) else None
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _origin(payload: dict[str, Any]) -> object:
    origin = payload.get("origin")
    return origin.get("name") if isinstance(origin, dict) else None
