"""What is used of msal, loaded without requests, which is most of what msal takes in memory.

msal sends through our own client; of its modules only that of managed identities, which nobody
here uses, imports requests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

_UNUSED = "msal.managed_identity"


@contextmanager
def _left_out(name: str) -> Iterator[None]:
    """Within, whoever imports from the module ``name`` gets ``None`` for each of its names."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)
    vars(stand_in)["__getattr__"] = lambda _: None
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        del sys.modules[name]


with _left_out(_UNUSED):
    from msal import (
        ConfidentialClientApplication,
        PublicClientApplication,
        SerializableTokenCache,
    )
    from msal.exceptions import MsalError

__all__ = [
    "ConfidentialClientApplication",
    "MsalError",
    "PublicClientApplication",
    "SerializableTokenCache",
]
