"""Waits on this machine's own address for a browser that comes back from Microsoft's sign-in page.

Never logs what the browser brings. Any free port will do for ``http://localhost`` (RFC 8252, 7.3).
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape

from aiohttp import web

from bridge.contract.errors import PresenceBridgeError

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LAST_ANSWER_S = 1.0
"""How long the page that says "done" may take to reach the browser."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Connection": "close",
    "Content-Security-Policy": "default-src 'none'",
    "Referrer-Policy": "no-referrer",
}
_PAGE = "<!doctype html><meta charset=utf-8><title>Presence Bridge</title><p>{}</p>"
_DONE = "Presence Bridge has what it needs. You can close this page."


@asynccontextmanager
async def listening(take: Callable[[str], None]) -> AsyncIterator[str]:
    """Give every address that a browser brings to ``take``; yields the redirect address.

    What ``take`` raises is shown in the browser. Where no port can be had, the address leads
    nowhere, and people paste where their browser ended.
    """

    async def answer(request: web.Request) -> web.Response:
        try:
            take(request.path_qs)
        except PresenceBridgeError as error:
            return _page(str(error), status=400)
        return _page(_DONE)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LAST_ANSWER_S)
    await runner.setup()
    try:
        yield await _address(runner)
    finally:
        await runner.cleanup()


async def _address(runner: web.AppRunner) -> str:
    try:
        await web.TCPSite(runner, HOST, 0).start()
    except OSError as error:
        log.debug("cannot listen for a browser on this machine: %s", error)
        return "http://localhost"
    return f"http://localhost:{runner.addresses[0][1]}"


def _page(text: str, *, status: int = 200) -> web.Response:
    return web.Response(
        text=_PAGE.format(escape(text)), status=status, content_type="text/html", headers=_HEADERS
    )
