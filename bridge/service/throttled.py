"""Until when Microsoft asked the bridge that served before to wait, by its health."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from bridge.contract.errors import ContractError
from bridge.contract.wire import decode_json


def throttled_until(health: bytes) -> datetime | None:
    """``None`` where nothing is said, or nothing that is a time."""
    with suppress(ContractError, ValueError, TypeError):
        if text := decode_json(health or b"{}").get("throttled_until"):
            until = datetime.fromisoformat(text)
            return until if until.tzinfo else None
    return None
