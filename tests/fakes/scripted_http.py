"""An ``Http`` without a network: it answers what a test says. Never waits by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from bridge.microsoft.http import Fault, HttpError, HttpRequest, HttpResponse

ROOT = "https://login.example/t/"
DISCOVERY = {
    "issuer": ROOT,
    "authorization_endpoint": f"{ROOT}oauth2/v2.0/authorize",
    "token_endpoint": f"{ROOT}oauth2/v2.0/token",
    "device_authorization_endpoint": f"{ROOT}oauth2/v2.0/devicecode",
}
AUTHORITY = "https://login.example/t"


def answered(
    body: Mapping[str, Any] | bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """An answer with a JSON object, or with these bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(status, headers or {}, content)


class ScriptedHttp:
    """Answers discovery, and all else with ``answer``, which may raise."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponse]) -> None:
        self.answer = answer
        self.requests: list[HttpRequest] = []
        self.hanging = 0
        """How many wait now for an answer that never comes."""
        self.hangs = False
        self.hung = asyncio.Event()

    async def send(self, request: HttpRequest) -> HttpResponse:
        """As ``Http`` says."""
        self.requests.append(request)
        if request.method == "GET":
            return answered(DISCOVERY)
        if self.hangs:
            await self._hang()
        return self.answer(request)

    async def _hang(self) -> None:
        self.hanging += 1
        self.hung.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.hanging -= 1


def unreachable(_: HttpRequest) -> HttpResponse:
    """A network that is down."""
    raise HttpError(Fault.NO_NAME, "login.example")
