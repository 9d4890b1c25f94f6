"""What every page of ours stands on: a guarded application. Never knows what it shows."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from bridge.config import WebSettings, write_private
from bridge.contract.clock import Clock
from bridge.web.door import Door
from bridge.web.forms import with_token
from bridge.web.guard import BODY_LIMIT, Guard, Handler, fields_of, session_of
from bridge.web.hosts import own_names
from bridge.web.password import SALT_BYTES, PasswordHash, read_password
from bridge.web.render import login_page, message_page
from bridge.web.sessions import KEY_BYTES, Sessions

log = logging.getLogger(__name__)

SECRET = "web_secret"  # noqa: S105 - a file name

Randomness = Callable[[int], bytes]


def password_of(
    settings: WebSettings, state_dir: Path, random: Randomness = os.urandom
) -> PasswordHash | None:
    """The page's password, if it has one; takes a moment.

    Its salt is kept in ``state_dir``, so that a restart ends no session.

    Raises:
        ConfigError: The file cannot be read.
    """
    if settings.password_file is None:
        return None
    secret = _kept_secret(state_dir / SECRET, random)
    salt = hmac.digest(secret, b"salt", hashlib.sha256)[:SALT_BYTES]
    return read_password(settings.password_file, salt)


def guard_of(
    settings: WebSettings,
    password: PasswordHash | None,
    *,
    state_dir: Path,
    clock: Clock,
    random: Randomness,
) -> Guard:
    """The guard that ``settings`` ask for; its sessions survive a restart."""
    secret = _kept_secret(state_dir / SECRET, random)
    return Guard(
        settings,
        names=own_names(socket.gethostname()),
        sessions=Sessions(secret, password_key=password.key if password else b""),
        door=Door(password, clock=clock, random=random) if password else None,
        clock=clock,
        random=random,
    )


@asynccontextmanager
async def application(guard: Guard, routes: Iterable[web.RouteDef]) -> AsyncIterator[web.Server]:
    """An application behind ``guard``; open requests get a second to end."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await guard.pass_on(request, handler, refuse=refusal)

    built = web.Application(client_max_size=BODY_LIMIT, middlewares=[guarded])
    built.add_routes(routes)
    runner = web.AppRunner(
        built, handle_signals=False, handler_cancellation=True, shutdown_timeout=1.0
    )
    await runner.setup()
    assert runner.server is not None
    try:
        yield runner.server
    finally:
        await runner.cleanup()


def refusal(request: web.Request, status: HTTPStatus, text: str) -> web.Response:
    """What a refused request gets: a page for people, one line for programs."""
    is_deep = request.path.count("/") > 1  # where a page's relative addresses would be wrong
    if is_deep or "text/html" not in request.headers.get("Accept", ""):
        return web.Response(text=f"{text or status.phrase}\n", status=status)
    if status is HTTPStatus.UNAUTHORIZED:
        return html(request, login_page(text), status)
    return html(request, message_page(status.phrase, text), status)


async def enter(guard: Guard, request: web.Request) -> web.Response:
    """Let in who knows the password, or ask again."""
    refused = await guard.enter(request, (await fields_of(request)).get("password", ""))
    return html(request, login_page(refused), HTTPStatus.UNAUTHORIZED) if refused else go_to("./")


def html(request: web.Request, markup: str, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A page with the reader's token in its forms."""
    body = with_token(markup, session_of(request).token).encode(errors="replace")
    return web.Response(body=body, status=status, content_type="text/html", charset="utf-8")


def go_to(place: str) -> web.Response:
    """On to ``place``, relative so that it holds under any prefix."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": place})


def _kept_secret(file: Path, random: Randomness) -> bytes:
    """The key of all sessions; a new one when there is none that can be used."""
    try:
        kept = bytes.fromhex(file.read_text(encoding="ascii").strip())
        if len(kept) == KEY_BYTES:
            return kept
    except (OSError, ValueError):
        pass
    secret = random(KEY_BYTES)
    try:
        write_private(file, secret.hex())
    except OSError as error:
        log.warning("%s: %s: a restart will ask for the password again", file, error.strerror)
    return secret
