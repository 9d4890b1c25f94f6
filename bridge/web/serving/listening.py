"""Listens on the port of the page and accepts connections while there is room.

asyncio's own server takes what comes, and logs a hundred tracebacks a second when the process may
open no more files; here each connection is looked at first.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from aiohttp import web

from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.web.serving.addresses import is_among, source_of
from bridge.web.serving.connections import Connection, Connections
from bridge.web.serving.limits import Capacity

log = logging.getLogger(__name__)

RETRY_S = 30.0
"""Between two tries to listen."""
REST_S = 1.0
"""After a connection that could not be accepted."""
BACKLOG = 64
GONE_MS = 30_000
"""A reader whose machine acknowledges nothing for so long is gone."""
_FULL = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Listener:
    """The port of one page, and who comes through it."""

    def __init__(self, settings: WebSettings, capacity: Capacity, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._connections = Connections(capacity, clock)

    async def run(self, server: web.Server, opened: Callable[[int], None]) -> None:
        """Hand connections to ``server`` until cancelled; ``opened`` gets the port."""
        listening = await self._listen()
        try:
            async with asyncio.TaskGroup() as tasks:
                for each in listening:
                    tasks.create_task(self._accept(each, server), name="web-accept")
                tasks.create_task(self._connections.watch(), name="web-connections")
                opened(listening[0].getsockname()[1])
        finally:
            for each in listening:
                each.close()

    async def _listen(self) -> list[socket.socket]:
        """Listen; a port that is in use is logged once and tried again."""
        host, port = self._settings.host, self._settings.port
        failing = False
        while True:
            try:
                listening = await _bound(host, port)
            except OSError as error:
                if not failing:
                    named = isinstance(error, socket.gaierror) or not error.errno
                    reason = error.strerror if named else os.strerror(error.errno or 0)
                    log.error("no page: cannot listen on %s:%s: %s", host, port, reason)  # noqa: TRY400 - one line
                failing = True
                await self._clock.sleep(RETRY_S)
            else:
                log.info("the page is at %s", _address(host, listening[0].getsockname()[1]))
                return listening

    async def _accept(self, listening: socket.socket, server: web.Server) -> None:
        loop = asyncio.get_running_loop()
        named = (*self._settings.trusted_proxies, *self._settings.forwarded_from)
        while True:
            try:
                accepted, peer = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in _FULL:
                    self._connections.out_of_files()
                await self._clock.sleep(REST_S)
                continue
            source, is_proxy = source_of(peer[0]), is_among(peer[0], named)
            if not self._connections.may_come(source, is_proxy=is_proxy):
                accepted.close()
                continue
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                with suppress(OSError):  # gone already
                    accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, GONE_MS)
            make = partial(Connection, server, self._connections, source)
            await loop.connect_accepted_socket(make, accepted)


async def _bound(host: str, port: int) -> list[socket.socket]:
    """A socket for each address of ``host``, all of them on one port."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listening: list[socket.socket] = []
    absent: OSError | None = None
    try:
        for family, _, _, _, (name, _, *rest) in dict.fromkeys(found):
            at = (name, port or (listening[0].getsockname()[1] if listening else 0), *rest)
            try:
                each = socket.create_server(at, family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
                absent = error  # localhost is ::1 too, also where there is no IPv6
                continue
            each.settimeout(0)
            listening.append(each)
        if absent and not listening:
            raise absent
    except OSError:
        for each in listening:
            each.close()
        raise
    return listening


def _address(host: str, port: int) -> str:
    """The address for people; that of all addresses can be opened nowhere."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - shown, not bound
        return f"port {port} of this machine"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"
