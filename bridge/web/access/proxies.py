"""Which proxies the config names, and what those are believed of the reader for whom they ask.

Whoever sends a request can write their headers: only those of a proxy that is named count.
``trusted_proxies`` ask for a password themselves; ``forwarded_from`` only forward, and are believed
for whom and by which name they ask. Every other proxy is looked at as if it were the reader.
Home Assistant's ingress says in headers who of its users asks (developers.home-assistant.io, "App
security", authenticating a user when using ingress).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from aiohttp import web

from bridge.config.tables.web import Network, WebSettings
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

_PREFIX = "x-forwarded-"
_OTHERS = frozenset(
    {
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "x-cluster-client-ip",
        "x-original-forwarded-for",
        "x-original-host",
        "x-ingress-path",
        "cf-connecting-ip",
        "true-client-ip",
    }
)
"""Only a proxy adds them, beside all that begin with ``X-Forwarded-``."""
_PAIR = re.compile(r'\s*([A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;,"\s]*)\s*(;|,|$)')
_NODE = re.compile(r"\[(?P<six>[^\]]*)\](?::\d{1,5})?|(?P<four>[\d.]+)(?::\d{1,5})?")
"""An address that may have a port (RFC 7239, 6; Azure writes one in ``X-Forwarded-For`` too)."""
_USER_HEADERS = ("X-Remote-User-Display-Name", "X-Remote-User-Name")
USER_SHOWN = 60
"""Characters of the name of a user in the log."""


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
            told = told_by_proxy(request.headers, remote, (*self._trusted, *self._forwarding))
            arrival = told._replace(trusted=trusted, by_tls=request.secure or told.by_tls)
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


def log_change(request: web.Request, what: str) -> None:
    """Say who did ``what``, where a trusted proxy says who that is."""
    if not arrival_of(request).trusted:
        return
    for header in _USER_HEADERS:
        said = "".join(filter(str.isprintable, request.headers.get(header, "")))
        if name := said.strip()[:USER_SHOWN]:
            log.info("the page: %s, by %s", what, name)
            return


def told_by_proxy(headers: Mapping[str, str], proxy: str, proxies: Collection[Network]) -> Arrival:
    """What ``proxy`` says of the reader, who may have come through others of ``proxies``.

    In ``Forwarded`` (RFC 7239), ``X-Forwarded-For`` and its kin, and ``X-Real-IP``.
    """
    standard = _elements(_joined(headers, "Forwarded"))
    listed, single = _words(headers, "X-Forwarded-For"), _words(headers, "X-Real-IP")
    protos = _words(headers, "X-Forwarded-Proto") + _named(standard, "proto")
    chains = [[*map(_node, each)] for each in (listed, single, _named(standard, "for")) if each]
    return Arrival(
        reader=_reader(chains, proxy, proxies),
        hosts=(*_words(headers, "X-Forwarded-Host"), *_named(standard, "host")),
        by_tls=protos[:1] == ["https"],
    )


def _reader(chains: list[list[str]], proxy: str, proxies: Collection[Network]) -> str:
    """The last address in the chain, the reader's first, that is not among ``proxies``.

    Where two headers name two readers, one of them passed through from outside: then it is that of
    ``proxy`` itself, so that nobody can write a new address for each guess.
    """
    strangers = {
        next((node for node in chain[::-1] if not is_among(node, proxies)), None)
        for chain in chains
    } - {None}
    if not strangers:
        return next((chain[0] for chain in chains if chain[0]), proxy)
    return (strangers.pop() or proxy) if len(strangers) == 1 else proxy


def came_by_proxy(headers: Mapping[str, str]) -> bool:
    """Whether a header is there that only proxies add."""
    return any(name.startswith(_PREFIX) or name in _OTHERS for name in map(str.lower, headers))


def _joined(headers: Mapping[str, str], name: str) -> str:
    """All lines of that name as one (RFC 9110, 5.3)."""
    return ",".join(value for key, value in headers.items() if key.lower() == name.lower())


def _words(headers: Mapping[str, str], name: str) -> list[str]:
    return [word.strip() for word in _joined(headers, name).split(",") if word.strip()]


def _elements(text: str) -> list[dict[str, str]]:
    """The elements of ``Forwarded``; none at all where its syntax is broken."""
    elements: list[dict[str, str]] = [{}]
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return []
        elements[-1][pair[1].lower()] = re.sub(r"\\(.)", r"\1", pair[2].strip('"'))
        if pair[3] == ",":
            elements.append({})
        at = pair.end()
    return [element for element in elements if element]


def _named(elements: list[dict[str, str]], key: str) -> list[str]:
    return [element[key] for element in elements if element.get(key)]


def _node(text: str) -> str:
    """The address in ``text``; empty for ``unknown``, a socket's path and what hides itself."""
    text = text.strip('"')
    found = _NODE.fullmatch(text)
    text = (found["six"] or found["four"] or "") if found else text
    return text if address_of(text) else ""
