"""The connections to the page: how many, from whom, for how long.

A connection without a request has no right to stay: a newcomer takes the place of the oldest such
connection, first of those from its own address.
"""

from __future__ import annotations

import asyncio
import logging
from enum import Enum, auto

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bridge.contract.clock import Clock
from bridge.web.serving.limits import Capacity

LOOK_S = 1.0
"""Between two looks for connections that are overdue."""
LINGER_S = 2.0
"""For the rest of a request that was refused before it was read."""
SOFTWARE = "presence-bridge"
"""What answers say of the server: not which library and which release of it."""


class Phase(Enum):
    """What a connection waits for."""

    RECEIVING = auto()
    """A request is to come, or came in part."""
    ANSWERING = auto()
    """A request came whole, and is being answered."""
    IDLE = auto()
    """Between two requests."""


class Connection(web.RequestHandler):
    """One connection: what it waits for and since when; ``source`` is who is counted."""

    def __init__(self, server: web.Server, connections: Connections, source: str) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as its own runner passes it
            logger=_request_log(),
            auto_decompress=False,  # no browser compresses a form
            lingering_time=LINGER_S,
        )
        self.source = source
        self.phase = Phase.RECEIVING
        self.since_s = connections.now_s
        self.unread_since_s: float | None = None
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._connections.open[self] = None
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End."""
        self._connections.open.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a part of a request."""
        if data and self.phase is Phase.IDLE:
            self.enter(Phase.RECEIVING)
        super().data_received(data)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, and wait for the next request."""
        if not resp.prepared:
            resp.headers["Server"] = SOFTWARE
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self.enter(Phase.IDLE)

    def pause_writing(self) -> None:
        """Nobody reads what was sent so far."""
        self.unread_since_s = self._connections.now_s
        super().pause_writing()

    def resume_writing(self) -> None:
        """Somebody does."""
        self.unread_since_s = None
        super().resume_writing()

    def enter(self, phase: Phase) -> None:
        """Wait for something else from now on."""
        self.phase, self.since_s = phase, self._connections.now_s


class Connections:
    """All connections of one page."""

    def __init__(self, capacity: Capacity, clock: Clock) -> None:
        self._capacity, self._clock = capacity, clock
        self.open: dict[Connection, None] = {}

    @property
    def now_s(self) -> float:
        """The time by which connections are measured."""
        return self._clock.monotonic()

    def may_come(self, source: str, *, is_proxy: bool = False) -> bool:
        """Whether there is room for one more of ``source``; the oldest without a request makes it.

        Behind a proxy are many readers: it may have all there are.
        """
        limits = self._capacity.limits
        theirs = [each for each in self.open if each.source == source]
        if len(theirs) >= limits.connections_each and not is_proxy:
            self._capacity.reached(
                f"{source} has all {limits.connections_each} connections to the page that one "
                "address may have"
            )
            return self._make_room(theirs)
        if len(self.open) >= limits.connections:
            self._capacity.reached(f"all {limits.connections} connections to the page are taken")
            return self._make_room(list(self.open))
        return True

    def out_of_files(self) -> None:
        """The process may open no more: give back what nobody needs."""
        self._capacity.reached("the process may open no more files: the page takes no connection")
        for connection in [each for each in self.open if each.phase is not Phase.ANSWERING]:
            self._drop(connection)

    async def watch(self) -> None:
        """Drop who is overdue, until cancelled."""
        while True:
            await self._clock.sleep(LOOK_S)
            for connection in [each for each in self.open if self._is_overdue(each)]:
                self._drop(connection)
            self._capacity.look()

    def _make_room(self, among: list[Connection]) -> bool:
        waiting = [each for each in among if each.phase is not Phase.ANSWERING]
        if waiting:
            self._drop(min(waiting, key=lambda each: each.since_s))
        return bool(waiting)

    def _is_overdue(self, connection: Connection) -> bool:
        now_s, limits = self.now_s, self._capacity.limits
        unread_since_s = connection.unread_since_s
        if unread_since_s is not None and now_s - unread_since_s >= limits.unread_s:
            return True
        if connection.phase is Phase.ANSWERING:
            return False
        patience_s = limits.idle_s if connection.phase is Phase.IDLE else limits.request_s
        return now_s - connection.since_s >= patience_s

    def _drop(self, connection: Connection) -> None:
        self.open.pop(connection, None)
        if connection.transport:
            connection.transport.abort()


def came_whole(request: web.BaseRequest) -> None:
    """Note that nothing of ``request`` is missing any more."""
    if isinstance(request.protocol, Connection):
        request.protocol.enter(Phase.ANSWERING)


def _request_log() -> logging.Logger:
    """The log of aiohttp's failures, without those that only a broken client has."""
    requests = logging.getLogger(f"{__name__}.requests")
    requests.addFilter(_is_ours)
    return requests


def _is_ours(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)
