"""The page's API on the Unix socket, for the commands of the shell; also where there is no page.

Beside what the page's own API has, a command can send here what it could publish on
``bridge/request/…``, and gets what would be answered there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aiohttp import web

from bridge.contract.account import AccountFacts, Followed, SignIn
from bridge.contract.clock import Clock
from bridge.contract.errors import PersonMustActError
from bridge.contract.latest import Latest
from bridge.contract.wire import encode_json
from bridge.service import local_socket
from bridge.web.api import PREFIX, people_parts
from bridge.web.data.view import followed_person, person_of

log = logging.getLogger(__name__)

LOOK_S = 30.0
"""Between two tries to listen, and between two looks whether the socket is still there."""
BODY_LIMIT = 64 * 1024


class LocalApi:
    """Serves on the socket of the state folder ``folder``.

    ``request`` does what a request asks, and gives its answer; ``everybody`` are all who are
    followed; ``sign_in_of`` raises ``PersonMustActError`` for an account that is not.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        request: Callable[[str, bytes], Awaitable[bytes]],
        everybody: Callable[[], Iterable[tuple[Followed, AccountFacts]]],
        sign_in_of: Callable[[str], Latest[SignIn]],
        at_the_broker: Callable[[], dict[str, Any]],
    ) -> None:
        self._folder, self._clock = folder, clock
        self._do_request, self._everybody = request, everybody
        self._sign_in_of, self._at_the_broker = sign_in_of, at_the_broker
        self._warned = False

    async def run(self) -> None:
        """Serve until cancelled; where no socket can be, warn once and try again."""
        while True:
            try:
                with local_socket.bound(self._folder) as listening:
                    await self._serve(listening)
            except OSError as error:
                self._warn(error)
            await self._clock.sleep(LOOK_S)

    async def _serve(self, listening: Any) -> None:
        """Until somebody took the socket away."""
        application = web.Application(client_max_size=BODY_LIMIT)
        application.add_routes(
            [
                web.get(f"{PREFIX}/people", self._people),
                web.get(f"{PREFIX}/broker", self._broker),
                web.get(f"{PREFIX}/sign-ins/{{account}}", self._sign_in),
                web.post(f"{PREFIX}/requests/{{command}}", self._request),
            ]
        )
        runner = web.AppRunner(
            application,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=0.5,
            access_log=None,
        )
        await runner.setup()
        try:
            await web.SockSite(runner, listening).start()
            self._warned = False
            while local_socket.is_there(self._folder):
                await self._clock.sleep(LOOK_S)
        finally:
            await runner.cleanup()

    async def _people(self, request: web.Request) -> web.StreamResponse:
        response = await _begun(request, "application/json")
        people = (
            person_of(followed_person(None, facts.account, followed, added_here=False), facts)
            for followed, facts in self._everybody()
        )
        for part in people_parts(people):
            await response.write(part)
            await asyncio.sleep(0)
        return response

    async def _broker(self, _: web.Request) -> web.Response:
        return _json(encode_json(self._at_the_broker()))

    async def _sign_in(self, request: web.Request) -> web.StreamResponse:
        """The sign-in now, and each news of it, a line each until the client leaves."""
        try:
            latest = self._sign_in_of(request.match_info["account"])
        except PersonMustActError as error:
            raise web.HTTPNotFound(text=str(error)) from None
        response = await _begun(request, "application/x-ndjson")
        async for sign_in in latest.watch():
            await response.write(encode_json(asdict(sign_in)) + b"\n")
        return response

    async def _request(self, request: web.Request) -> web.Response:
        command, payload = request.match_info["command"], await request.read()
        return _json(await self._do_request(command, payload))

    def _warn(self, error: OSError) -> None:
        if not self._warned:
            reason = error.strerror or str(error)
            log.warning("%s: no socket: %s; commands use the broker instead", self._folder, reason)
        self._warned = True


async def _begun(request: web.Request, content_type: str) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": content_type})
    await response.prepare(request)
    return response


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")
