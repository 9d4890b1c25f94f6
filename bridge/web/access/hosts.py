"""Which ``Host`` a request may name: the defence against DNS rebinding.

A rebinding attack needs a name that its author controls. Addresses, names of one word and those of
home networks cannot be that; every other name must be listed in the config. A page that asks for a
password needs none of this: under another name no cookie comes along.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from aiohttp import web

from bridge.web.serving.addresses import address_of

_HOST = re.compile(
    r"(?:\[(?P<six>[0-9a-f:.]+)(?:%[^\]\s]+)?\]|(?P<name>[a-z0-9._-]+))(?::\d{0,5})?"
)
"""The zone of an address is nobody's name (RFC 6874); a port may be empty (RFC 3986, 3.2.3)."""

_WORD = re.compile(r"(?!0x)[a-z0-9_-]*[a-z][a-z0-9_-]*")
"""One word that is not an address in disguise."""
_HOME = (".local", ".localhost", ".lan", ".internal", ".home.arpa", ".fritz.box")
"""Endings that nobody can have on the internet (RFC 6761, 6762, 8375; ICANN's reserved ones), and a
router's own."""


def own_names(machine: str) -> frozenset[str]:
    """The names that a machine called ``machine`` has by itself."""
    short = machine.lower().partition(".")[0]
    own = {machine.lower(), short, f"{short}.local", f"{short}.lan"} if short else set()
    return frozenset({"localhost", *own})


def may_name(host: str, names: Collection[str]) -> bool:
    """Whether a request with the header ``Host: host`` is for us."""
    match = _HOST.fullmatch(host.lower())
    if not match:
        return False
    name = match["six"] or match["name"].removesuffix(".")
    if name in names or _WORD.fullmatch(name):
        return True
    if name.endswith(_HOME) and not name.startswith("."):
        return True
    return address_of(name) is not None


def names_us(request: web.BaseRequest, names: Collection[str], *, trusted: bool) -> bool:
    """Whether all that ``request`` says of the name is ours.

    A ``trusted`` proxy answers for the name, unless it stands on this machine: there a browser
    has the same address. An absolute target counts before the header (RFC 9112, 3.2.2): neither
    stands for the other. Where both are missing, aiohttp would ask the network for a name.
    """
    address = address_of(request.remote)
    if trusted and address is not None and not address.is_loopback:
        return True
    if "Host" not in request.headers:
        return False
    return all(may_name(name, names) for name in (request.headers["Host"], request.host))
