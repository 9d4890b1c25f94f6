"""Runs a command until it ends or a signal stops it, within ten seconds whatever hangs.

A light's library may sit on its thread for ever; Python would wait for that thread at the end. So
the process leaves by itself when the work is done, and as a last resort before.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any

from bridge.config.command_line import FAILED, INTERRUPTED, OK
from bridge.config.systemd import STOPPING, notify

log = logging.getLogger(__name__)

STOP_S = 9.5
"""After a signal: light and goodbye have had their own, shorter deadlines by then."""
END_S = 2.0
"""For threads and the last words to a person, once all work is done."""


def run(work: Coroutine[Any, Any, None]) -> int:
    """Run ``work`` on a loop of its own; the exit code."""
    return asyncio.run(_until_signal(work))


def _leave_after(seconds: float, code: int) -> None:
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


async def _until_signal(work: Coroutine[Any, Any, None]) -> int:
    """Run ``work`` until it ends or a signal stops it in order; a second one stops at once."""
    task = asyncio.ensure_future(work)
    codes: list[int] = []

    def stop(code: int) -> None:
        if codes:
            os._exit(INTERRUPTED)
        codes.append(code)
        notify(STOPPING)
        _leave_after(STOP_S, code)
        task.cancel()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop, OK)
    loop.add_signal_handler(signal.SIGINT, stop, INTERRUPTED)
    ends = FAILED
    try:
        await task
        ends = OK
    except asyncio.CancelledError:
        if not codes:
            raise
        ends = codes[0]
        log.info("stopped")
    finally:
        _leave_after(END_S, ends)
    return ends
