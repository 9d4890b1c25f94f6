"""The way from the bridge to Microsoft: an ``Http`` without sockets, and what can be wrong with it.

Notes what was sent, so that the checks know what was asked for and when silence was wanted.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime
from enum import StrEnum
from urllib.parse import urlsplit

from bridge.config.tables.config import NetworkSettings
from bridge.contract.clock import Clock
from bridge.contract.retry import Random
from bridge.microsoft.http import Fault, Http, HttpError, HttpRequest, HttpResponse
from tests.world.microsoft import LOGIN_HOST, MemoryMicrosoft, Told

WINDOW_S = 30.0


class Trouble(StrEnum):
    """What can be wrong with one host."""

    UNREACHABLE = "unreachable"
    NO_NAME = "no_name"
    RESET = "reset"
    """Before Microsoft has heard, or after."""
    SILENT = "silent"
    """Nothing comes; nothing is heard either."""
    HALF_OPEN = "half_open"
    """Microsoft hears, and its answer does not come: a drip, too, is cut by the deadline."""
    STATUS = "status"
    """An answer with this status, and nothing else."""
    ASKED_TO_WAIT = "asked_to_wait"
    """The same with a ``Retry-After``."""
    REDIRECT = "redirect"
    GARBAGE = "garbage"
    """HTTP 200, and no JSON; or JSON that says nothing."""
    OLDER = "older"
    """Presence as it was a while ago, from a server that lags behind."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What is wrong with one host now."""

    trouble: Trouble | None = None
    status: int = 503
    retry_after_s: int = 0
    as_date: bool = False
    share: float = 1.0
    """Of the requests that meet it."""


class Network:
    """Between one bridge and Microsoft."""

    def __init__(self, microsoft: MemoryMicrosoft, clock: Clock, random: Random) -> None:
        self._microsoft, self._clock, self._random = microsoft, clock, random
        self._earlier: deque[tuple[float, HttpResponse]] = deque(maxlen=200)
        self.login, self.graph = Weather(), Weather()
        self.latency_s = 0.05
        self.told: list[Callable[[float, Told, bool], None]] = []
        """Called with each presence that reaches the bridge, and whether it is an older one."""
        self.window: deque[float] = deque()
        """When requests to Graph were sent in the last 30 s."""
        self.silent_until_s, self.silence_began_s = 0.0, 0.0
        self.broken: list[str] = []
        """What the bridge sent and should not have."""

    def way(self) -> WayToMicrosoft:
        """The way of one process, until it is killed."""
        return WayToMicrosoft(self)

    def forgive(self) -> None:
        """Expect nobody to know a silence any more: a clock was set, or the memory of it is gone.

        A wall clock that was set forward cannot be told from a machine that slept.
        """
        self.silent_until_s = 0.0

    async def send(self, request: HttpRequest) -> HttpResponse:
        """As ``Http.send``, within the deadline of the request."""
        is_login = urlsplit(request.url).hostname == LOGIN_HOST
        if not is_login:
            self._note_request(request)
        weather = self.login if is_login else self.graph
        try:
            async with asyncio.timeout(request.deadline_s):
                return await self._carry(request, weather, is_login=is_login)
        except TimeoutError:
            raise HttpError(Fault.SLOW) from None

    async def _carry(
        self, request: HttpRequest, weather: Weather, *, is_login: bool
    ) -> HttpResponse:
        trouble = weather.trouble if self._random() < weather.share else None
        if trouble is Trouble.UNREACHABLE:
            raise HttpError(Fault.NO_CONNECTION)
        await asyncio.sleep(self.latency_s * (0.5 + self._random()))
        if trouble is Trouble.NO_NAME:
            raise HttpError(Fault.NO_NAME)
        if trouble is Trouble.SILENT:
            await asyncio.Event().wait()
        if trouble is Trouble.RESET and self._random() < 0.5:
            raise HttpError(Fault.BROKEN)
        if trouble is Trouble.REDIRECT:
            raise HttpError(Fault.ELSEWHERE)
        if trouble in (Trouble.STATUS, Trouble.ASKED_TO_WAIT, Trouble.GARBAGE):
            response = self._instead(weather, trouble)
        else:
            response = self._microsoft.answer(request)
        if trouble is Trouble.HALF_OPEN:
            await asyncio.Event().wait()
        await asyncio.sleep(self.latency_s * (0.5 + self._random()))
        if trouble is Trouble.RESET:
            raise HttpError(Fault.BROKEN)
        if trouble is Trouble.ASKED_TO_WAIT and not is_login:
            self._want_silence(weather.retry_after_s)
        return self._delivered(response, older=trouble is Trouble.OLDER)

    def _instead(self, weather: Weather, trouble: Trouble) -> HttpResponse:
        if trouble is Trouble.GARBAGE:
            plain = self._microsoft.plain(200, {})
            return plain if self._random() < 0.5 else plain._replace(body=b"<html>")
        if trouble is Trouble.STATUS:
            return self._microsoft.plain(weather.status, {"error": {"code": "x", "message": "x"}})
        now, wait_s = self._clock.now(), weather.retry_after_s
        date = format_datetime(now + timedelta(seconds=wait_s), usegmt=True)
        headers = {"Retry-After": date if weather.as_date else str(wait_s)}
        return self._microsoft.plain(weather.status, {"error": {"code": "x"}}, headers)

    def _want_silence(self, wait_s: int) -> None:
        """From the moment that the wish is heard: whoever ended before never knew."""
        now_s = asyncio.get_running_loop().time()
        self.silence_began_s = now_s + 2 * self.latency_s
        self.silent_until_s = max(self.silent_until_s, now_s - self.latency_s + min(wait_s, 3600))

    def _delivered(self, response: HttpResponse, *, older: bool) -> HttpResponse:
        """Note the presences in an answer, or put an earlier answer in its place."""
        told = self._microsoft.told(response)
        now_s = asyncio.get_running_loop().time()
        if told and older:
            same = [
                earlier
                for at_s, earlier in self._earlier
                if {one.oid for one in self._microsoft.told(earlier)} == {one.oid for one in told}
                and now_s - at_s > WINDOW_S
            ]
            response = same[0] if same else response
            is_older, told = bool(same), self._microsoft.told(response)
        else:
            is_older = False
            if told and (not self._earlier or now_s - self._earlier[-1][0] > WINDOW_S / 2):
                self._earlier.append((now_s, response))
        for one in told:
            for listener in self.told:
                listener(now_s, one, is_older)
        return response

    def _note_request(self, request: HttpRequest) -> None:
        now_s = asyncio.get_running_loop().time()
        while self.window and self.window[0] <= now_s - WINDOW_S:
            self.window.popleft()
        self.window.append(now_s)
        if self.silence_began_s < now_s < self.silent_until_s - 1.0:
            left_s = self.silent_until_s - now_s
            self.broken.append(f"a request {left_s:.1f} s before the end of a Retry-After")


class WayToMicrosoft:
    """One process's ``Http``."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._dead = False

    def die(self) -> None:
        """The process is gone."""
        self._dead = True

    @asynccontextmanager
    async def open(self, settings: NetworkSettings) -> AsyncIterator[Http]:
        """As ``open_http``."""
        yield self

    async def send(self, request: HttpRequest) -> HttpResponse:
        """As ``Http.send``."""
        if self._dead:
            raise HttpError(Fault.NO_CONNECTION)
        return await self._network.send(request)
