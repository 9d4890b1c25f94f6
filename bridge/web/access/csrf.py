"""Whether a form was sent by our own page, by the token of its session."""

from __future__ import annotations

from aiohttp import web

from bridge.web.access.cookies import session_of
from bridge.web.render.forms import TOKEN
from bridge.web.serving.form_fields import fields_of

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""They change nothing (RFC 9110, 9.2.1)."""


async def is_own_form(request: web.Request) -> bool:
    """Whether the form of ``request`` has its session's token.

    Raises:
        HTTPException: The body is no form, or too long.
    """
    return session_of(request).accepts((await fields_of(request)).get(TOKEN, ""))


def is_foreign_link(request: web.Request) -> bool:
    """Whether a link on another site opened the page: ``SameSite`` then keeps the cookie back."""
    site = request.headers.get("Sec-Fetch-Site")
    return request.path == "/" and site in ("cross-site", "same-site")
