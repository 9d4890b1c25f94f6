"""Who of Home Assistant changes something on the page, for the log.

Its ingress says so in headers; nobody else is believed.
Source: developers.home-assistant.io, "App security" (authenticating a user when using ingress).
"""

from __future__ import annotations

import logging

from aiohttp import web

from bridge.web.access.proxies import arrival_of

log = logging.getLogger(__name__)

SHOWN_MOST = 60
_HEADERS = ("X-Remote-User-Display-Name", "X-Remote-User-Name")


def remote_user(request: web.Request) -> str | None:
    """The name of who sent ``request``, where a trusted proxy says it."""
    if not arrival_of(request).trusted:
        return None
    said = (request.headers.get(header, "") for header in _HEADERS)
    names = ("".join(filter(str.isprintable, name)).strip()[:SHOWN_MOST] for name in said)
    return next(filter(None, names), None)


def log_change(request: web.Request, what: str) -> None:
    """Say who did ``what``, where it is known who."""
    if name := remote_user(request):
        log.info("the page: %s, by %s", what, name)
