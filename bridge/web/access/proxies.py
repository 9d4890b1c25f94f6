"""Which proxies the config names, and what those are believed.

``trusted_proxies`` ask for a password themselves; ``forwarded_from`` only forward, and are believed
for whom and by which name they ask. Every other proxy is looked at as if it were the reader.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from aiohttp import web

from bridge.config.tables.web import WebSettings
from bridge.web.access.forwarded import Forwarded, came_by_proxy
from bridge.web.serving.addresses import address_of, is_among

log = logging.getLogger(__name__)

LOGGED = 100
"""Proxies that nobody named and that are logged; more are one network with many addresses."""
NOT_NAMED = """\
This came through a proxy at {proxy} that the config does not name.
If it asks for a password itself, add to [web] of config.toml: trusted_proxies = ["{proxy}"]
If it only forwards, set password_file there, and add: forwarded_from = ["{proxy}"]
Before there is a config, say it in the environment: PRESENCE_WEB__TRUSTED_PROXIES=["{proxy}"]
Then restart the bridge.\
"""
_REFUSED = (
    'the page refuses a proxy at %s that is not named: add to [web] trusted_proxies = ["%s"] if '
    "it asks for a password itself, else password_file and forwarded_from"
)
_SHARED = (
    "a proxy at %s forwards readers to the page and is not named: after wrong passwords all of "
    'them wait together; add forwarded_from = ["%s"] to [web]'
)


class Arrival(NamedTuple):
    """How a request came."""

    proxy: str | None = None
    """The address of a proxy that the config does not name."""
    trusted: bool = False
    """Through one that asked for a password itself."""
    reader: str = ""
    """The address of the reader, where it can be said."""
    hosts: tuple[str, ...] = ()
    """The names by which a named proxy says that it was asked."""
    by_tls: bool = False
    """The reader's browser asked by https."""


_ARRIVAL = web.RequestKey("arrival", Arrival)


class Proxies:
    """Notes how each request came; logs once that a proxy should be named."""

    def __init__(self, settings: WebSettings) -> None:
        self._trusted, self._forwarding = settings.trusted_proxies, settings.forwarded_from
        self._has_password = settings.password_file is not None
        self._logged: set[str] = set()

    def look_at(self, request: web.Request) -> None:
        """Note how ``request`` came, for ``arrival_of``."""
        remote = request.remote or ""
        trusted = is_among(remote, self._trusted)
        if trusted or is_among(remote, self._forwarding):
            said = Forwarded.of(request.headers)
            arrival = Arrival(
                trusted=trusted,
                reader=said.reader(remote, (*self._trusted, *self._forwarding)),
                hosts=said.hosts,
                by_tls=request.secure or said.by_tls,
            )
        else:
            proxy = str(address_of(remote) or remote) if came_by_proxy(request.headers) else None
            arrival = Arrival(proxy, reader=remote, by_tls=request.secure)
            if proxy and proxy not in self._logged and len(self._logged) < LOGGED:
                self._logged.add(proxy)
                log.warning(_SHARED if self._has_password else _REFUSED, proxy, proxy)
        request[_ARRIVAL] = arrival


def arrival_of(request: web.Request) -> Arrival:
    """How a request came that ``Proxies`` looked at."""
    return request[_ARRIVAL]
