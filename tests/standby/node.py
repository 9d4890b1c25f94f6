"""Runs a bridge whose wall clock is wrong: ``python -m tests.standby.node CONFIG AHEAD_S``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from bridge.config import logs
from bridge.config.loader import load
from bridge.contract.clock import SystemClock
from bridge.service.service import Service


class WrongClock(SystemClock):
    """So far ahead, or behind."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    def now(self) -> datetime:
        """The time that this machine shows."""
        return super().now() + self._ahead


async def main(config: Path, ahead_s: float) -> None:
    """Serve until SIGTERM."""
    service = Service(load(config, os.environ), clock=WrongClock(ahead_s))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
    await service.run()


if __name__ == "__main__":
    logs.set_up("INFO", "text")
    asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))
