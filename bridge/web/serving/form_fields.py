"""The fields of a form, read from a request within limits."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

from bridge.web.serving.connections import came_whole

BODY_LIMIT = 16 * 1024
"""Bytes of a request."""
FIELDS_LIMIT = 20


async def fields_of(request: web.Request) -> dict[str, str]:
    """The fields of a form, the last one of a name; ``HTTPException`` where it is none."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    if (length := request.content_length or 0) > BODY_LIMIT:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT, length)
    try:
        body = await request.read()
        came_whole(request)
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS_LIMIT))
    except ValueError:
        raise web.HTTPBadRequest from None
