"""Which proxies are trusted, and what those say of the reader for whom they ask."""

from __future__ import annotations

from aiohttp import web

from bridge.config.tables.web import WebSettings
from bridge.web.serving.addresses import is_among, source_of

_TRUSTED = web.RequestKey("trusted", bool)


def look_at_proxy(request: web.Request, settings: WebSettings) -> None:
    """Note whether ``request`` comes from one of the ``trusted_proxies``."""
    request[_TRUSTED] = is_among(request.remote, settings.proxies)


def is_trusted(request: web.Request) -> bool:
    """Whether a trusted proxy sent ``request``."""
    return request[_TRUSTED]


def came_by_tls(request: web.Request) -> bool:
    """Whether the reader's browser asked by https."""
    forwarded = request.headers.get("X-Forwarded-Proto") == "https"
    return request.secure or (forwarded and is_trusted(request))


def reader_source(request: web.Request) -> str:
    """The source that is counted as one reader; a trusted proxy says for whom it asks."""
    forwarded = request.headers.get("X-Forwarded-For", "") if is_trusted(request) else ""
    return source_of(forwarded.rpartition(",")[2].strip() or request.remote)
