"""What the headers of a proxy say of the reader for whom it asks. Pure.

Whoever sends a request can write them: only those of a proxy that the config names are believed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple

from bridge.web.serving.addresses import Network, address_of, is_among

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


class Forwarded(NamedTuple):
    """What was said."""

    chains: tuple[tuple[str, ...], ...] = ()
    """The addresses of each kind of header, the reader's first and the nearest proxy's last."""
    hosts: tuple[str, ...] = ()
    """By which name the reader asked."""
    by_tls: bool = False

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Forwarded:
        """Read ``Forwarded`` (RFC 7239), ``X-Forwarded-For`` and its kin, and ``X-Real-IP``."""
        standard = _elements(_joined(headers, "Forwarded"))
        listed = _words(_joined(headers, "X-Forwarded-For"))
        single = _words(_joined(headers, "X-Real-IP"))
        protos = _words(_joined(headers, "X-Forwarded-Proto")) + _named(standard, "proto")
        chains = (listed, single, _named(standard, "for"))
        return cls(
            chains=tuple(tuple(map(_node, chain)) for chain in chains if chain),
            hosts=(*_words(_joined(headers, "X-Forwarded-Host")), *_named(standard, "host")),
            by_tls=protos[:1] == ["https"],
        )

    def reader(self, proxy: str, proxies: Collection[Network]) -> str:
        """The address of the reader for whom ``proxy`` asks.

        The last one in the chain that is not among ``proxies``. Where two headers name two readers,
        one of them passed through from outside: then it is that of ``proxy`` itself, so that
        nobody can write a new address for each guess.
        """
        strangers = {
            next((node for node in chain[::-1] if not is_among(node, proxies)), None)
            for chain in self.chains
        } - {None}
        if not strangers:
            return next((chain[0] for chain in self.chains if chain[0]), proxy)
        return (strangers.pop() or proxy) if len(strangers) == 1 else proxy


def came_by_proxy(headers: Mapping[str, str]) -> bool:
    """Whether a header is there that only proxies add."""
    return any(name.startswith(_PREFIX) or name in _OTHERS for name in map(str.lower, headers))


def _joined(headers: Mapping[str, str], name: str) -> str:
    """All lines of that name as one (RFC 9110, 5.3)."""
    return ",".join(value for key, value in headers.items() if key.lower() == name.lower())


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


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
