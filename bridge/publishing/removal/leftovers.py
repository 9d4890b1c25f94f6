"""Recognises what an earlier life of this bridge left on the broker.

A stored discovery message is ours when its origin is ours and its device belongs to our instance.
"""

from __future__ import annotations

from typing import Any

from bridge.broker import Received
from bridge.contract.errors import ContractError
from bridge.contract.topics import Topics, owner_of, slug
from bridge.contract.wire import decode_json
from bridge.publishing.discovery.payloads import ORIGIN_NAME


def announced_account(received: Received, topics: Topics) -> str | None:
    """Whose discovery message of ours ``received`` is; ``None`` for what is not ours."""
    if not received.payload:
        return None
    prefix = f"{topics.instance}_account_"
    try:
        payload = decode_json(received.payload)
        if _inside(payload, "origin", "name") != ORIGIN_NAME:
            return None
        identifiers = _inside(payload, "device", "identifiers")
        for name in identifiers if isinstance(identifiers, list) else ():
            if isinstance(name, str) and name.startswith(prefix):
                return slug(name.removeprefix(prefix))
    except ContractError:
        pass
    return None


def stored_account(received: Received) -> str | None:
    """Whose topic ``received`` is of those below our own ``account``; ``None`` for none."""
    if not received.payload:
        return None
    try:
        return slug(owner_of(received.topic))
    except ContractError:
        return None


def _inside(payload: dict[str, Any], outer: str, inner: str) -> object:
    value = payload.get(outer)
    return value.get(inner) if isinstance(value, dict) else None
