"""The password that a program such as Prometheus sends with each request (RFC 7617)."""

from __future__ import annotations

import base64
import binascii

from aiohttp import web


def basic_password(request: web.Request) -> str | None:
    """The password of the ``Authorization`` header; its user name is ignored."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None
