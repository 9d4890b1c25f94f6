"""The page's API on the Unix socket, for the commands of the shell. Never listens on a port.

It is there without the page too. What people see on the page is read as there; beside that a
command can send what it could publish on ``bridge/request/…``, and gets what would be answered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from bridge.contract.account import AccountFacts, Followed, SignIn
from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError
from bridge.contract.latest import Latest
from bridge.contract.wire import encode_json
from bridge.service import local_socket
from bridge.web.api import PREFIX, people_parts
from bridge.web.data.snapshot import Person
from bridge.web.data.view import followed_person, person_of

log = logging.getLogger(__name__)

LOOK_S = 30.0
"""Between two tries to listen, and between two looks whether the socket is still there."""
BODY_LIMIT = 64 * 1024


class Served(Protocol):
    """The service behind the socket."""

    async def request(self, command: str, payload: bytes) -> bytes:
        """Do what a request asks; the answer as on the broker."""
        ...

    def facts(self) -> Iterable[tuple[Followed, AccountFacts]]:
        """Everybody who is followed."""
        ...

    def sign_in_of(self, account: str) -> Latest[SignIn]:
        """The sign-in of an account or table. Raises ``PersonMustActError`` for another."""
        ...

    def at_the_broker(self) -> dict[str, Any]:
        """What the broker announced, and what is wrong there."""
        ...


class LocalApi:
    """Serves on the socket of the state folder ``folder``."""

    def __init__(self, service: Served, folder: Path, clock: Clock) -> None:
        self._service, self._folder, self._clock = service, folder, clock
        self._told = False

    async def run(self) -> None:
        """Serve until cancelled; where no socket can be, say so once and try again."""
        while True:
            try:
                with local_socket.bound(self._folder) as listening:
                    await self._serve(listening)
            except OSError as error:
                self._tell(error)
            await self._clock.sleep(LOOK_S)

    async def _serve(self, listening: Any) -> None:
        """Until somebody took the socket away."""
        runner = web.AppRunner(
            self._application(),
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=0.5,
            access_log=None,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            self._told = False
            while local_socket.is_there(self._folder):
                await self._clock.sleep(LOOK_S)
        finally:
            await runner.cleanup()

    def _application(self) -> web.Application:
        built = web.Application(client_max_size=BODY_LIMIT)
        built.add_routes(
            [
                web.get(f"{PREFIX}/people", self._people),
                web.get(f"{PREFIX}/broker", self._broker),
                web.get(f"{PREFIX}/sign-ins/{{account}}", self._sign_in),
                web.post(f"{PREFIX}/requests/{{command}}", self._request),
            ]
        )
        return built

    async def _people(self, request: web.Request) -> web.StreamResponse:
        response = await _begun(request, "application/json")
        for part in people_parts(self._everybody()):
            await response.write(part)
            await asyncio.sleep(0)
        return response

    def _everybody(self) -> Iterator[Person]:
        for followed, facts in self._service.facts():
            known = followed_person(None, facts.account, followed, added_here=False)
            yield person_of(known, facts)

    async def _broker(self, _: web.Request) -> web.Response:
        return _json(encode_json(self._service.at_the_broker()))

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        """The sign-in now, and each news of it, a line each until the client leaves."""
        try:
            latest = self._service.sign_in_of(request.match_info["account"])
        except PersonMustActError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        response = await _begun(request, "application/x-ndjson")
        async for sign_in in latest.watch():
            await response.write(encode_json(asdict(sign_in)) + b"\n")
        return response

    async def _request(self, request: web.Request) -> web.Response:
        command, payload = request.match_info["command"], await request.read()
        return _json(await self._service.request(command, payload))

    def _tell(self, error: OSError) -> None:
        if not self._told:
            reason = error.strerror or str(error)
            log.warning("%s: no socket: %s; commands ask by the broker", self._folder, reason)
        self._told = True


async def _begun(request: web.Request, content_type: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    return response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
