"""A Hue hub on loopback that speaks API v1, tells by v2's stream, and refuses what a real one does.

It can be told to misbehave, to move, to reboot and to change its certificate. Its certificate is
like a real one's: signed by itself, named by the hub's id, good for no address.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

GAMUT_C = [[0.6915, 0.3083], [0.17, 0.7], [0.1532, 0.0475]]
_RANGES = {"bri": (1, 254), "hue": (0, 65535), "sat": (0, 254), "ct": (153, 500)}
_TEXTS = {
    1: "unauthorized user",
    3: "resource, {}, not available",
    6: "parameter, {}, not available",
    7: "invalid value, for parameter, {}",
    101: "link button not pressed",
    201: "parameter, {}, is not modifiable. Device is set to off.",
    901: "Internal error, 503",
}


def color_light(name: str, **state: Any) -> dict[str, Any]:
    """A lamp of today."""
    return {
        "name": name,
        "type": "Extended color light",
        "modelid": "LCA001",
        "capabilities": {"control": {"colorgamut": GAMUT_C, "colorgamuttype": "C"}},
        "state": {
            "on": False,
            "bri": 200,
            "hue": 8000,
            "sat": 140,
            "xy": [0.4573, 0.41],
            "ct": 366,
            "effect": "none",
            "alert": "none",
            "colormode": "ct",
            "reachable": True,
            **state,
        },
    }


def white_light(name: str) -> dict[str, Any]:
    """One that has no colours."""
    return {
        "name": name,
        "type": "Dimmable light",
        "modelid": "LWA001",
        "state": {"on": False, "bri": 200, "alert": "none", "reachable": True},
    }


def plug(name: str) -> dict[str, Any]:
    """One that is on or off."""
    return {
        "name": name,
        "type": "On/Off plug-in unit",
        "modelid": "LOM001",
        "state": {"on": False, "alert": "none", "reachable": True},
    }


@dataclass
class HueHub:
    """One hub; ``async with hub.running()`` puts it on a port."""

    folder: Path
    tls: bool = True
    hub_id: str = "001788FFFE23BFC2"
    lights: dict[str, dict[str, Any]] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    link_button: bool = False
    behaves: str = ""
    """``silent``, ``drip``, ``close``, ``html``, ``garbage``, ``503``, ``429`` or ``busy``."""
    puts: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What was put, by path below the key."""
    keys_seen: list[str] = field(default_factory=list)
    """Every key that a caller has shown, right or wrong."""
    callers: set[Any] = field(default_factory=set)
    """The other ends of all connections."""
    port: int = 0
    streams: bool = False
    """A square hub with the software of 2021 or later has events."""
    reads: int = 0
    """How often lights or groups were asked for."""
    listeners: list[asyncio.Queue[str | None]] = field(default_factory=list)
    """Who listens to events now; ``None`` ends one."""
    all_listeners: list[asyncio.Queue[str | None]] = field(default_factory=list)
    listening: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody listens."""
    refused: list[int] = field(default_factory=list)
    """What callers of the stream were answered who got none."""
    _count: Any = field(default_factory=lambda: count(1))
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a caller waits for nothing (``silent``)."""
    _let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[HueHub]:
        """Serves until the end of the block; again on the same port as the last time."""
        context = self._context() if self.tls else None
        runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=0.1, handler_cancellation=True
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=context)
        await site.start()
        self.port = runner.addresses[0][1]
        try:
            yield self
        finally:
            self._let_go.set()
            self.end_streams()
            await runner.cleanup()

    def change_certificate(self) -> None:
        """As a reset or a new hub at the same address does; holds from the next start."""
        (self.folder / "hub.pem").unlink(missing_ok=True)

    def values(self, number: int = 1) -> dict[str, Any]:
        """The state of one light."""
        state: dict[str, Any] = self.lights[str(number)]["state"]
        return state

    def by_another_hand(self, number: int = 1, **state: Any) -> None:
        """Let an app or a switch change a light, as the hub tells it."""
        self.values(number).update(state)
        self.tell({"type": "light", "id": f"v2-{number}", "id_v1": f"/lights/{number}"})

    def tell(self, *parts: dict[str, Any], kind: str = "update") -> None:
        """Send an event."""
        event = {"creationtime": "2026-11-27T08:00:00Z", "id": "e", "type": kind, "data": parts}
        for listener in self.listeners:
            listener.put_nowait(f"id: 1:0\ndata: {json.dumps([event])}\n\n")

    def end_streams(self) -> None:
        """Close the connection of everybody who listens."""
        for listener in self.listeners:
            listener.put_nowait(None)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        refusal = None
        if not (self.streams and self.tls):
            refusal = 404
        elif request.headers.get("hue-application-key") not in self.keys:
            refusal = 403
        elif request.headers.get("Accept") != "text/event-stream":
            refusal = 406
        if refusal:
            self.refused.append(refusal)
            return web.Response(status=refusal)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        response.force_close()
        await response.prepare(request)
        await response.write(b": hi\n\n")
        mine: asyncio.Queue[str | None] = asyncio.Queue()
        self.listeners.append(mine)
        self.all_listeners.append(mine)
        self.listening.set()
        try:
            while (text := await mine.get()) is not None:
                await response.write(text.encode())
        finally:
            self.listeners.remove(mine)
            if not self.listeners:
                self.listening.clear()
        if request.transport:
            request.transport.close()
        return response

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._misbehave])
        application.router.add_get("/eventstream/clip/v2", self._stream)
        application.router.add_route("*", "/{path:.*}", self._answer)
        return application

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Any) -> web.StreamResponse:
        assert request.transport is not None
        self.callers.add(request.transport.get_extra_info("peername"))
        answer: web.StreamResponse
        match self.behaves:
            case "":
                answer = await handler(request)
            case "silent":
                self.holding.set()
                await self._let_go.wait()
                answer = web.Response()
            case "drip":
                answer = await _drip(request)
            case "close":
                request.transport.abort()
                answer = web.Response()
            case strange:
                answer = _strange(strange)
        return answer

    async def _answer(self, request: web.Request) -> web.Response:
        parts = [part for part in request.path.split("/") if part]
        body = json.loads(await request.text() or "{}")
        if parts[:1] != ["api"]:
            return web.Response(status=404)
        if parts == ["api"] and request.method == "POST":
            return web.json_response(self._pair(body))
        if parts == ["api", "config"]:
            return web.json_response({"name": "Hue Bridge", "bridgeid": self.hub_id})
        self.keys_seen.append(parts[1])
        if parts[1] not in self.keys:
            return web.json_response([_error(1, "/")])
        return web.json_response(self._resource(request.method, parts[2:], body))

    def _pair(self, body: dict[str, Any]) -> Any:
        if not self.link_button:
            return [_error(101, "/")]
        application, hash_sign, device = str(body.get("devicetype", "")).partition("#")
        if not (hash_sign and 0 < len(application) <= 20 and 0 < len(device) <= 19):
            return [_error(7, "/devicetype")]
        key = f"key-{next(self._count):036d}"
        self.keys.add(key)
        return [{"success": {"username": key}}]

    def _resource(self, method: str, path: list[str], body: dict[str, Any]) -> Any:
        place = "/" + "/".join(path)
        self.reads += method == "GET"
        answer: Any = [_error(3, place)]
        match method, path:
            case "GET", ["lights"]:
                answer = self.lights
            case "GET", ["groups"]:
                answer = self.groups
            case "GET", ["lights", number] if number in self.lights:
                answer = self.lights[number]
            case "GET", ["groups", number] if group := self._group(number):
                answer = group
            case "PUT", ["lights", number, "state"] if number in self.lights:
                self.puts.append((place, body))
                answer = self._put([self.lights[number]], place, body, strict=True)
            case "PUT", ["groups", number, "action"] if group := self._group(number):
                self.puts.append((place, body))
                members = [self.lights[member] for member in group["lights"]]
                answer = self._put(members, place, body, strict=False)
        return answer

    def _group(self, number: str) -> dict[str, Any] | None:
        everything = {"name": "Group 0", "lights": list(self.lights)}
        return everything if number == "0" else self.groups.get(number)

    def _put(
        self, lights: list[dict[str, Any]], place: str, body: dict[str, Any], *, strict: bool
    ) -> list[Any]:
        """A real hub takes what it can and refuses the rest, entry by entry."""
        reply = []
        will_be_on = body.get("on")
        numbers = [number for number, light in self.lights.items() if light in lights]
        self.tell(*({"type": "light", "id_v1": f"/lights/{number}"} for number in numbers))
        for key, value in body.items():
            here = f"{place}/{key}"
            if key == "transitiontime":
                reply.append({"success": {here: value}})
                continue
            having = [light for light in lights if key in light["state"]]
            if strict and not having:
                reply.append(_error(6, here))
            elif not _is_valid(key, value):
                reply.append(_error(7, here))
            elif strict and key != "on" and not (will_be_on or lights[0]["state"]["on"]):
                reply.append(_error(201, here))
            else:
                for light in having:
                    light["state"][key] = value
                    _set_color_mode(light["state"], key, body)
                reply.append({"success": {here: value}})
        return reply

    def _context(self) -> ssl.SSLContext:
        pem = self.folder / "hub.pem"
        if not pem.exists():
            pem.write_bytes(_self_signed(self.hub_id.lower()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        return context


async def _drip(request: web.Request) -> web.StreamResponse:
    """Each byte comes in time, the answer never; who reads it has nothing left but the socket."""
    response = web.StreamResponse()
    response.force_close()
    await response.prepare(request)
    for _ in range(500):
        await response.write(b" ")
        await asyncio.sleep(0.02)
    return response


def _strange(how: str) -> web.Response:
    return {
        "html": web.Response(text="<html>Router</html>", content_type="text/html"),
        "garbage": web.json_response({"lights": "none"}),
        "503": web.Response(status=503),
        "429": web.Response(status=429, headers={"Retry-After": "7"}),
        "busy": web.json_response([_error(901, "/lights")]),
    }[how]


def _is_valid(key: str, value: Any) -> bool:
    if key == "on":
        return isinstance(value, bool)
    if key == "effect":
        return value in ("none", "colorloop")
    if key == "xy":
        return len(value) == 2 and all(0 <= part <= 1 for part in value)
    lowest, highest = _RANGES[key]
    return type(value) is int and lowest <= value <= highest


def _set_color_mode(state: dict[str, Any], key: str, body: dict[str, Any]) -> None:
    """The documented order: xy beats ct beats hue and sat."""
    modes = {"xy": "xy", "ct": "ct", "hue": "hs", "sat": "hs"}
    winner = next((modes[name] for name in modes if name in body), None)
    if key in modes and winner:
        state["colormode"] = winner


def _error(kind: int, address: str) -> dict[str, Any]:
    text = _TEXTS[kind].format(address.rpartition("/")[2] if kind != 3 else address)
    return {"error": {"type": kind, "address": address, "description": text}}


def _self_signed(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Philips Hue"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)
