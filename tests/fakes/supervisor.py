"""A stand-in for the Supervisor of Home Assistant: its services, and the ingress before an app.

What becomes of a request is as in supervisor/api/ingress.py and supervisor/api/services.py of
home-assistant/supervisor (2026.8), with the headers that Home Assistant adds on the way to it.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

PREFIX = "/api/hassio_ingress/q1w2e3"
INGRESS = "127.0.0.3"
"""From where it asks the app, as the real one does from 172.30.32.2."""
USER = "Paulus Schoutsen"
SMALL = 4_194_000
"""Answers that say to be shorter are passed on in one piece."""
_USER_HEADERS = ("X-Remote-User-Id", "X-Remote-User-Name", "X-Remote-User-Display-Name")
_NOT_SENT_ON = {
    *("content-length", "content-encoding", "transfer-encoding"),
    *map(str.lower, _USER_HEADERS),
}
_NOT_SENT_BACK = {"transfer-encoding", "content-length", "content-type", "content-encoding"}


@dataclass
class Supervisor:
    """What it knows; ``mqtt`` is ``None`` where no app provides a broker."""

    app: str = ""
    """The address of the page of our app."""
    mqtt: Mapping[str, Any] | None = None
    status: int | None = None
    """What it answers instead, where it fails."""
    source: str = INGRESS
    host: str = "127.0.0.1"
    port: int = 0
    token: str = field(default_factory=partial(secrets.token_hex, 32), repr=False)
    asked: list[str] = field(default_factory=list)
    """What somebody with the token asked for."""

    @property
    def environ(self) -> dict[str, str]:
        """What the process of an app has in its environment."""
        return {"SUPERVISOR_TOKEN": self.token, "SUPERVISOR": f"{self.host}:{self.port}"}

    @property
    def page(self) -> str:
        """Where a browser finds the app's page."""
        return f"http://{self.host}:{self.port}{PREFIX}/"

    async def service(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refused(401, "Unauthorized")
        self.asked.append(request.path)
        if self.status:
            return web.Response(status=self.status, text="<h1>502 Bad Gateway</h1>")
        if self.mqtt is None:
            return _refused(400, "Service not enabled")
        return web.json_response({"result": "ok", "data": {"addon": "core_mosquitto", **self.mqtt}})

    async def forward(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._forwarded(request)
        except aiohttp.ClientError:  # the app is not there, or goes
            raise web.HTTPBadGateway from None

    async def _forwarded(self, request: web.Request) -> web.StreamResponse:
        path = request.rel_url.path_qs.removeprefix(f"{PREFIX}/")
        streamed = request.method == "POST"  # ingress_stream
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=(self.source, 0))
            ) as session,
            session.request(
                request.method,
                f"{self.app}{path}",
                headers=_headers(request),
                data=request.content if streamed else await request.read(),
                allow_redirects=False,
                skip_auto_headers={"Content-Type"},
            ) as answer,
        ):
            return await _passed_back(request, answer)


async def _passed_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    kept = ((k, v) for k, v in answer.headers.items() if k.lower() not in _NOT_SENT_BACK)
    headers, kind = CIMultiDict(kept), answer.content_type
    if request.method == "HEAD" or answer.status in (
        HTTPStatus.NO_CONTENT,
        HTTPStatus.NOT_MODIFIED,
    ):
        return web.Response(status=answer.status, headers=headers)
    if int(answer.headers.get("Content-Length", SMALL)) < SMALL:
        body = await answer.read()
        return web.Response(status=answer.status, headers=headers, content_type=kind, body=body)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_type = kind
    await response.prepare(request)
    async for piece in answer.content.iter_any():
        await response.write(piece)
    return response


def _headers(request: web.Request) -> CIMultiDict[str]:
    """Of the user, the browser and both who stand between; in the Supervisor's order."""
    user = zip(_USER_HEADERS, ("q1w2", "paulus", USER), strict=True)
    headers = CIMultiDict(user)
    for name, value in request.headers.items():
        if name.lower() not in _NOT_SENT_ON:
            headers.add(name, value)
    headers["X-Ingress-Path"] = PREFIX
    headers["X-Forwarded-For"] = f"{request.remote}, 172.30.32.1"
    headers["X-Forwarded-Host"] = request.host
    headers["X-Forwarded-Proto"] = request.scheme
    return headers


def _refused(status: int, why: str) -> web.Response:
    return web.json_response({"result": "error", "message": why}, status=status)


@asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[Supervisor]:
    """``supervisor`` on a port of its own, until the end of the block."""
    application = web.Application()
    application.router.add_get("/services/mqtt", supervisor.service)
    application.router.add_route("*", f"{PREFIX}/{{path:.*}}", supervisor.forward)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        site = web.TCPSite(runner, supervisor.host, supervisor.port)
        await site.start()
        supervisor.port = runner.addresses[0][1]
        yield supervisor
    finally:
        await runner.cleanup()
