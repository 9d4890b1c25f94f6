"""A node of ``[standby]``: what it remembers, takes over, and leaves to the one that serves."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from bridge.broker import Leader, Lease, leader_of
from bridge.config.state_file import StateFile
from bridge.contract.errors import ContractError, PersonMustActError
from bridge.contract.wire import decode_json

log = logging.getLogger(__name__)


class LastServed:
    """What this node said last when it served, in ``file``; another of its name has another one."""

    def __init__(self, file: Path) -> None:
        self._file = StateFile(file)

    def read(self) -> Leader | None:
        """``None``: it never served, or the file is lost."""
        try:
            return leader_of(self._file.file.read_bytes())
        except FileNotFoundError:
            return None
        except OSError:
            log.warning("%s cannot be read: as if this node had never served", self._file.file)
            return None

    def store(self, leader: Leader) -> None:
        """Write it soon."""
        self._file.save(leader.payload.decode())

    async def close(self) -> None:
        """Wait, not for long, until it is stored."""
        await self._file.close()


def must_serve(lease: Lease) -> None:
    """Raise ``PersonMustActError`` while another node serves, which has to be asked."""
    if not lease.serves:
        other = lease.other or "Another node"
        raise PersonMustActError(
            f"This node, {lease.node}, waits.", remedy=f"Ask where {other} runs."
        )


def throttled_until(health: bytes) -> datetime | None:
    """Until when Microsoft asked the node of that ``health`` to wait; ``None`` where it did not."""
    with suppress(ContractError, ValueError, TypeError):
        if text := decode_json(health or b"{}").get("throttled_until"):
            until = datetime.fromisoformat(text)
            return until if until.tzinfo else None
    return None
