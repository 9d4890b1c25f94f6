"""Whether a request was sent by a page of our own origin.

By ``Sec-Fetch-Site``, which a page cannot write and a proxy does not change; where a browser does
not send that, as to a plain http address, by ``Origin`` (the order of Go's CrossOriginProtection).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, urlsplit

from aiohttp import web

SAFE_METHODS = frozenset({"GET", "HEAD"})
"""They change nothing (RFC 9110, 9.2.1)."""
OTHER_ORIGIN = (
    "This was not sent by this page as it was asked for here. Is there a proxy between? "
    "Let it pass the Host on, name it under forwarded_from, or list the name of the page under "
    "hosts in [web]."
)
_PORTS = {"http": 80, "https": 443}


def is_same_origin(
    request: web.BaseRequest, *, forwarded: Iterable[str], names: Collection[str]
) -> bool:
    """Whether ``request`` comes from the page itself, or from no browser at all.

    ``forwarded`` are the names by which a named proxy was asked; ``names`` are those in the config:
    a proxy that asks us by another name than it was asked needs one of both.
    """
    origin = request.headers.get("Origin")
    if origin == "null":  # a sandbox, a file: nobody's page
        return False
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in ("same-origin", "none")
    if origin is None:
        return True
    sent = _split(origin)
    if sent is None or sent.scheme not in _PORTS or not sent.hostname:
        return False
    if sent.hostname.removesuffix(".") in names:
        return True
    return any(_is_at(sent, host) for host in (request.headers.get("Host", ""), *forwarded))


def _is_at(origin: SplitResult, host: str) -> bool:
    """Whether ``origin`` is that of ``host``; some proxies pass a name on without its port."""
    asked = _split(f"//{host}")
    if asked is None or asked.hostname != origin.hostname:
        return False
    usual = _PORTS[origin.scheme]
    return asked.port is None or asked.port == (origin.port or usual)


def _split(address: str) -> SplitResult | None:
    try:
        split = urlsplit(address)
        _ = split.port  # reads it
    except ValueError:
        return None
    return split
