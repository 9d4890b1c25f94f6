"""Our own style sheet, script and icon, from memory: no path of a request reaches the disk."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from importlib.resources import files

from aiohttp import web

_TYPES = {
    **dict.fromkeys(("page.css", "kiosk.css"), "text/css"),
    **dict.fromkeys(
        (
            "page.js",
            "cards.js",
            "clock.js",
            "forms.js",
            "morph.js",
            "tab.js",
            "strip.js",
            "stream.js",
            "kiosk.js",
        ),
        "text/javascript",
    ),
    "icon.svg": "image/svg+xml",
    **dict.fromkeys(("icon-192.png", "icon-512.png"), "image/png"),
}


class Assets:
    """The static files; ``digest`` changes with any of them."""

    def __init__(self) -> None:
        folder = files("bridge.web").joinpath("static")
        self._bytes = {name: folder.joinpath(name).read_bytes() for name in _TYPES}
        self.digest = hashlib.sha256(b"".join(self._bytes.values())).hexdigest()[:8]

    def route(self) -> web.RouteDef:
        """Where they are."""
        return web.get("/static/{name}", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _TYPES:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-cache"}
        if any(tag.value == self.digest for tag in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        kind = _TYPES[name]
        charset = None if kind == "image/png" else "utf-8"
        response = web.Response(
            body=self._bytes[name], content_type=kind, charset=charset, headers=headers
        )
        response.etag = self.digest
        return response
