"""What a node of ``[standby]`` knows when it begins to serve: its own past, the other's wait."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bridge.broker import Leader, leader_of
from bridge.contract.errors import ContractError
from bridge.contract.wire import decode_json

log = logging.getLogger(__name__)


def last_served(file: Path) -> Leader | None:
    """What this node said last when it served; ``None``: it never did, or ``file`` is lost."""
    try:
        return leader_of(file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError:
        log.warning("%s cannot be read: as if this node had never served", file)
        return None


def throttled_until(health: bytes) -> datetime | None:
    """Until when Microsoft asked the node of that ``health`` to wait; ``None`` where it did not."""
    with suppress(ContractError, ValueError, TypeError):
        if text := decode_json(health or b"{}").get("throttled_until"):
            until = datetime.fromisoformat(text)
            return until if until.tzinfo else None
    return None
