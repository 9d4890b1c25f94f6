"""Loads msal, where somebody signs in, without requests, which is most of what it takes in memory.

msal sends through our own client; of its modules only that of managed identities, which nobody
here uses, imports requests.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

_UNUSED = "msal.managed_identity"


@cache
def library() -> Any:
    """The module ``msal``. Takes long, and 1.5 MiB, when it is called first."""
    with _left_out(_UNUSED):
        import msal  # noqa: PLC0415 - what this function is for
    return msal


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
        sys.modules.pop(name, None)  # another thread may have been here, too
