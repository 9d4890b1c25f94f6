"""Devices that take HTTP requests, each strict about its own: what its maker documents is refused.

Sources: Shelly API documentation, "RPC over HTTP" and "RGB"; WLED documentation, "HTTP request API"
and "JSON API"; Home Assistant documentation, "Webhook trigger".
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from aiohttp import web

from tests.fakes.serial_boards import WledBoard

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Color = tuple[int, int, int]
REALM = "shellyplusrgbwpm-1"


class HttpDevice(ABC):
    """A server on loopback that answers one after the other, as small devices do.

    ``misbehaves`` answers in its place.
    """

    misbehaves: Answer | None = None

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self._power, self._turn = AsyncExitStack(), asyncio.Lock()
        self.port = 0
        self.requests: list[web.Request] = []
        self.shows: tuple[bool, Color] = (False, (0, 0, 0))
        """Whether it is on, and its colour with the brightness in it."""
        self.looks = 0

    @property
    def address(self) -> str:
        return f"{'https' if self._context else 'http'}://127.0.0.1:{self.port}"

    async def plug(self) -> None:
        """Serve; again on the same port as the last time."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._power.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=self._context)
        await site.start()
        self.port = runner.addresses[0][1]

    async def unplug(self) -> None:
        """Nobody listens any more."""
        await self._power.aclose()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Power until the end of the block."""
        await self.plug()
        try:
            yield
        finally:
            await self.unplug()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        if self.misbehaves:
            return await self.misbehaves(request)
        body = await request.text()
        async with self._turn:
            return await self.answer(request, body)

    @abstractmethod
    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        """Obey, or refuse."""

    def look(self, on: bool, color: Color) -> None:  # noqa: FBT001 - the value itself
        self.shows = on, color if on else (0, 0, 0)
        self.looks += 1


def scaled(color: Any, part: float) -> Color:
    red, green, blue = (round(channel * part) for channel in color)
    return red, green, blue


class Shelly(HttpDevice):
    """Gen2 with the profile rgb; an error of the RPC is an HTTP error with its code in JSON."""

    def __init__(self, *, password: str | None = None) -> None:
        super().__init__()
        self._password, self._nonces = password, list[str]()

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        if self._password is not None and not self._lets_in(request):
            self._nonces.append(f"60dc59c{len(self._nonces)}")
            asks = f'Digest qop="auth", realm="{REALM}", nonce="{self._nonces[-1]}"'
            asks += ", algorithm=SHA-256"
            return web.Response(status=401, headers={"WWW-Authenticate": asks})
        if request.method != "POST" or request.path != "/rpc/RGB.Set":
            return web.json_response({"code": 404, "message": "No handler"}, status=404)
        asked = json.loads(body)
        known = {"id", "on", "brightness", "rgb", "transition_duration", "toggle_after", "offset"}
        is_valid = (
            asked.keys() <= known
            and asked.get("id") == 0
            and isinstance(asked["on"], bool)
            and type(asked["brightness"]) is int
            and 0 <= asked["brightness"] <= 100
            and len(asked["rgb"]) == 3
            and all(type(part) is int and 0 <= part <= 255 for part in asked["rgb"])
        )
        if not is_valid:
            return web.json_response({"code": -103, "message": "Invalid argument"}, status=500)
        self.look(asked["on"], scaled(asked["rgb"], asked["brightness"] / 100))
        return web.json_response(None)

    def _lets_in(self, request: web.Request) -> bool:
        """Only who answers the newest challenge, once, for this very request."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        said = dict(re.findall(r'(\w+)="?([^",]+)"?', rest))
        if scheme != "Digest" or said.get("nonce") not in self._nonces[-1:]:
            return False
        who = _sha256("admin", REALM, self._password)
        what = _sha256(request.method, request.path_qs)
        nonce, count, cnonce = self._nonces[-1], said.get("nc", ""), said.get("cnonce", "")
        self._nonces.append("used")
        return bool(cnonce) and said == {
            "username": "admin",
            "realm": REALM,
            "nonce": nonce,
            "uri": request.path_qs,
            "cnonce": cnonce,
            "response": _sha256(who, nonce, count, cnonce, "auth", what),
            "qop": "auth",
            "nc": "00000001",
            "algorithm": "SHA-256",
        }


def _sha256(*parts: str | None) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()


class WledPage(HttpDevice):
    """WLED's oldest way: parameters of /win; it ignores what it does not know, so we do not."""

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        if request.path != "/win":
            return web.Response(status=404)
        query = {key: int(value) for key, value in request.query.items()}
        assert query.keys() <= {"T", "A", "R", "G", "B", "FX"}, query
        assert query["T"] in {0, 1}
        assert all(0 <= value <= 255 for value in query.values())
        color = query["R"], query["G"], query["B"]
        self.look(query["T"] == 1, scaled(color, query["A"] / 255))
        return web.Response(text='<?xml version="1.0" ?><vs></vs>', content_type="text/xml")


class Webhook(HttpDevice):
    """Home Assistant's: an unknown id is answered as a known one, so that nobody can guess."""

    def __init__(self, key: str, context: ssl.SSLContext | None = None) -> None:
        super().__init__(context)
        self._key, self.heard = key, list[Any]()

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        if request.method in {"POST", "PUT"} and request.path == f"/api/webhook/{self._key}":
            assert request.content_type == "application/json"
            self.heard.append(json.loads(body))
        return web.Response()


class HomeMade(HttpDevice):
    """Somebody's own, behind TLS and a password: refuses all but ``{"hex", "level", "text"}``."""

    user: str | None = "Basic ZGVzazpvcGVuIHNlc2FtZQ=="
    """desk, open sesame"""
    before: Callable[[], Awaitable[None]] | None = None

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        if request.headers.get("Authorization") != self.user:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="desk"'})
        if request.path != "/light":
            return web.Response(status=404)
        if request.method != "PUT":
            return web.Response(status=405)
        asked = json.loads(body)
        if asked.keys() != {"hex", "text"} or not re.fullmatch("[0-9a-f]{6}", asked["hex"]):
            return web.Response(status=422)
        if self.before:
            await self.before()
        red, green, blue = bytes.fromhex(asked["hex"])
        self.look(bool(red or green or blue), (red, green, blue))
        return web.Response(status=204)


class WledStrip(HttpDevice):
    """WLED's JSON API, with the state of the one that the serial kind is tried with."""

    keys = frozenset({"v", "on", "bri", "tt", "ps", "pd", "nl", "seg"})
    before: Callable[[], Awaitable[None]] | None = None

    def __init__(self) -> None:
        super().__init__()
        self.board = WledBoard()

    async def answer(self, request: web.Request, body: str) -> web.StreamResponse:
        if request.path != "/json/si":
            return web.Response(status=404)
        asked = {"v": True}
        if request.method == "POST":
            assert request.content_type == "application/json"
            asked = json.loads(body)
            if not self._is_valid(asked):
                return web.json_response({"error": 9}, status=400)
            if self.before:
                await self.before()
        told = json.loads(self.board.receive(json.dumps(asked).encode() + b"\n"))
        return web.json_response(told, status=503 if "error" in told else 200)

    def _is_valid(self, asked: dict[str, Any]) -> bool:
        known = {segment["id"] for segment in self.board.state["seg"]}
        parts = asked.get("seg", [])
        return (
            asked.keys() <= self.keys
            and asked.get("v") is True
            and isinstance(asked.get("on", True), bool)
            and all(_is_byte(part.get("bri", 0)) for part in (asked, *parts))
            and all(part["id"] in known and _is_byte(part.get("fx", 0)) for part in parts)
            and all(_is_byte(value) for part in parts for c in part.get("col", []) for value in c)
        )


def _is_byte(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 255


async def drip(request: web.Request) -> web.StreamResponse:
    """Each byte comes in time, the answer never."""
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(3000):
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response
