"""Which ``Host`` a request may name: the defence against DNS rebinding. Pure.

A rebinding attack needs a name that its author controls. Addresses, ``localhost`` and this
machine's own names cannot be that; every other name must be listed in the config.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from ipaddress import ip_address

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::\d{1,5})?")


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
    name = match["six"] or match["name"].rstrip(".")
    if name in names or name.endswith(".localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
