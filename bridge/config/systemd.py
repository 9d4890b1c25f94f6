"""Says to systemd how the process is, where that started it with ``Type=notify``.

One datagram to the socket that ``NOTIFY_SOCKET`` names (``sd_notify(3)``); without it nothing
happens. It never waits: who reads too slowly misses a word, and the next beat says it anew.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

log = logging.getLogger(__name__)

READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"
RELOADING = "RELOADING=1"


def notify(*states: str, environ: Mapping[str, str] = os.environ) -> None:
    """Send ``states``; what the socket refuses is logged and no more."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):  # none, or of a virtual machine
        return
    if address.startswith("@"):  # a name in no file system
        address = f"\0{address[1:]}"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(0)
            sender.sendto("\n".join(states).encode(), address)
    except OSError as error:
        log.warning("systemd does not take %s: %s", states[0], error.strerror)


@contextmanager
def reloading(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """What runs inside is a reload, as ``systemctl status`` shows, and then ready."""
    now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify(RELOADING, f"MONOTONIC_USEC={now_us}", environ=environ)
    try:
        yield
    finally:
        notify(READY, environ=environ)
