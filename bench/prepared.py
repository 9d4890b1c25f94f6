"""The simulated Microsoft with its answers about many people kept ready: what reads is measured.

Token, permission and limit are looked at for each request, as ever; the answer is made once for
each list of people until somebody changes, and goes over HTTP and TLS like any other.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bridge.microsoft.people.bulk import PATH
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.presences import READ_ALL
from tests.fakes.microsoft.request_log import LoggedRequest

OK = 200


class PreparedMicrosoft(ScriptedMicrosoft):
    """Answers the same request with the same bytes while nobody has changed."""

    _version = -1

    def middlewares(self) -> list[Middleware]:
        """The innermost has the answers."""
        self._answers: dict[tuple[str, bytes], bytes] = {}
        self._bodies: dict[bytes, bytes] = {}
        return [*super().middlewares(), self._prepared]

    @web.middleware
    async def _prepared(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.endswith(PATH):
            return await handler(request)
        if self._version != self.directory.version:
            self._version = self.directory.version
            self._answers.clear()
        key = request.headers.get("Authorization", ""), await request.read()
        if body := self._answers.get(key):
            self._gate.need(self._gate.pass_token(request), READ_ALL)
            return web.Response(body=body, content_type="application/json")
        response = await handler(request)
        if isinstance(response, web.Response) and response.status == OK:
            assert isinstance(response.body, bytes)
            self._answers[key] = response.body
        return response

    async def _logged(self, *args: Any, **kwargs: Any) -> LoggedRequest:
        entry = await super()._logged(*args, **kwargs)
        entry.body = self._bodies.setdefault(entry.body, entry.body)  # else they fill the memory
        return entry
