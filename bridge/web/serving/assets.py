"""Our own style sheet, scripts, icons and manifest, from memory: no request reaches the disk."""

from __future__ import annotations

import hashlib
import json
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
MANIFEST = json.dumps(
    {
        "name": "Presence Bridge",
        "short_name": "Presence",
        "id": "./",
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "theme_color": "#17813f",
        "background_color": "#f4f5f7",
        "icons": [
            {"src": "static/icon.svg", "sizes": "any", "type": "image/svg+xml"},
            *(
                {
                    "src": f"static/icon-{size}.png",
                    "sizes": f"{size}x{size}",
                    "type": "image/png",
                    "purpose": purpose,
                }
                for size in (192, 512)
                for purpose in ("any", "maskable")
            ),
        ],
        "share_target": {
            "action": "share",
            "method": "GET",
            "params": {"title": "title", "text": "text", "url": "url"},
        },
    }
).encode()
"""What a phone needs to install the page (W3C Web Application Manifest) and to share addresses with
it (Web Share Target Level 1). All addresses are relative, so that it is right under any prefix."""


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
