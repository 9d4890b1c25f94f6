"""Our own style sheet, script and icon, from memory: no path of a request reaches the disk."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from importlib.resources import files
from pathlib import PurePath

from aiohttp import web

_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
}


class Assets:
    """The static files; ``digest`` changes with any of them."""

    def __init__(self) -> None:
        found = {file.name: file for file in files("bridge.web").joinpath("static").iterdir()}
        self._bytes = {name: found[name].read_bytes() for name in sorted(found)}
        self.digest = hashlib.sha256(b"".join(self._bytes.values())).hexdigest()[:8]

    def route(self) -> web.RouteDef:
        """Where they are."""
        return web.get("/static/{name}", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self._bytes:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-cache"}
        if any(tag.value == self.digest for tag in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        kind = _TYPES[PurePath(name).suffix]
        charset = None if kind == "image/png" else "utf-8"
        response = web.Response(
            body=self._bytes[name], content_type=kind, charset=charset, headers=headers
        )
        response.etag = self.digest
        return response
