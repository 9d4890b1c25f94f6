"""The headers on every answer that keep other sites out: scripts, frames, caches, referrers."""

from aiohttp import web

from bridge.web.serving.connections import SOFTWARE

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""An ingress shows the page in a frame of its own origin."""


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Give ``response``, which is about to be sent, those of which it has no other ones."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SOFTWARE
