"""Loads modules without looking for garbage among them, which takes a fifth of a start."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.contract.uncollected import uncollected


@contextmanager
def loading() -> Iterator[None]:
    """Import within; from then on what was loaded is not looked at, since it lives for good."""
    with uncollected():
        try:
            yield
        finally:
            gc.freeze()
