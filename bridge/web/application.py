"""A guarded application, and its answers that every page of ours has."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus

from aiohttp import web

from bridge.web.access.guard import Guard, Handler
from bridge.web.access.headers import add_headers
from bridge.web.access.one_time_link import QUERY
from bridge.web.access.sessions import session_of
from bridge.web.render.document import ONWARD, link_page, login_page, message_page
from bridge.web.render.forms import with_token
from bridge.web.serving.form_fields import BODY_LIMIT, fields_of

FOR_PEOPLE = 1
"""Folders above an address that people open; those of programs lie deeper."""
WORTH_PACKING = 500
"""Bytes of an answer."""
PACKABLE = ("text/", "application/json", "application/manifest+json", "image/svg+xml")
_GZIP = re.compile(r"(?:^|[\s,])gzip\s*(?:$|,|;\s*q=(?!0(?:\.0*)?\s*(?:$|,)))", re.IGNORECASE)
_OWN_ADDRESS = re.compile(r"[a-z]{0,20}(?:\?[!-~]{0,8000})?")


@asynccontextmanager
async def application(guard: Guard, routes: Iterable[web.RouteDef]) -> AsyncIterator[web.Server]:
    """An application of ``routes`` behind ``guard``; open requests get a second to end.

    Each request begins in a turn of the loop that is its own: between those of a crowd, presence
    goes on.
    """
    turn = asyncio.Lock()

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        async with turn:
            await asyncio.sleep(0)
        return packed(request, await guard.pass_on(request, handler, refuse=refusal))

    built = web.Application(client_max_size=BODY_LIMIT, middlewares=[guarded])
    built.on_response_prepare.append(add_headers)
    built.add_routes(
        [
            web.get("/healthz", _healthz),
            web.get("/enter", _show_enter),
            web.post("/enter", partial(_enter, guard)),
            *routes,
        ]
    )
    runner = web.AppRunner(
        built, handle_signals=False, handler_cancellation=True, shutdown_timeout=1.0
    )
    await runner.setup()
    assert runner.server is not None
    try:
        yield runner.server
    finally:
        await runner.cleanup()
        await guard.close()


def refusal(request: web.Request, status: HTTPStatus, text: str) -> web.Response:
    """What a refused request gets: a page for people, one line for programs."""
    depth = request.path.count("/") - 1
    if depth > FOR_PEOPLE or "text/html" not in request.headers.get("Accept", ""):
        return web.Response(text=f"{text or status.phrase}\n", status=status)
    root = "../" * depth
    if status is HTTPStatus.UNAUTHORIZED:
        return html(request, login_page(text, _onward(request), root=root), status)
    return html(request, message_page(status.phrase, text, root=root), status)


async def _show_enter(request: web.Request) -> web.Response:
    """What a one-time link leads to: a press, so that nobody's preview uses it up."""
    key = request.query.get(QUERY, "")
    return html(request, link_page(key)) if key else go_to("./")


async def _enter(guard: Guard, request: web.Request) -> web.Response:
    """Let in who knows the password or has the one-time link, or ask again."""
    fields = await fields_of(request)
    onward = fields.get(ONWARD, "")
    password, key = fields.get("password", ""), fields.get(QUERY, "")
    if refused := await guard.enter(request, password, key=key):
        return html(request, login_page(refused, onward), HTTPStatus.UNAUTHORIZED)
    return go_to(f"./{onward}" if _OWN_ADDRESS.fullmatch(onward) else "./")


def _onward(request: web.Request) -> str:
    """What a browser asked for that must give the password first, as ``?only=alice``."""
    address = request.rel_url.raw_path_qs.removeprefix("/")
    return address if request.method == "GET" and _OWN_ADDRESS.fullmatch(address) else ""


def packed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """``response`` compressed where the reader takes that and it is worth it.

    What an attacker could add to a page tells nothing of the token in it by its length (BREACH):
    no request of another site has the cookie of a session.
    """
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) < WORTH_PACKING or response.prepared:
        return response
    if response.content_type.startswith(PACKABLE) and takes_gzip(request):
        response.enable_compression(web.ContentCoding.gzip)
        response.headers["Vary"] = "Accept-Encoding"
    return response


def takes_gzip(request: web.Request) -> bool:
    """Whether the reader takes gzip (RFC 9110, 12.5.3), and there is something to pack."""
    return request.method != "HEAD" and bool(
        _GZIP.search(request.headers.get("Accept-Encoding", ""))
    )


async def back_to_page(_: web.Request) -> web.Response:
    """What the address of a form is for who loads it: the page, from which it was sent."""
    return go_to("./")


async def _healthz(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def html(request: web.Request, markup: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A page with the reader's token in its forms."""
    body = with_token(markup, session_of(request).token).encode(errors="replace")
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def go_to(place: str) -> web.Response:
    """On to ``place``, relative so that it is right under any prefix."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})
