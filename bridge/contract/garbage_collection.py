"""When Python looks for garbage: neither while it loads modules nor while it reads many people.

A look among modules takes a fifth of a start. What is made of people has no circles, kept or not:
to look at all of it again and again is a tenth of the work.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage within; what is let go is freed all the same."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@contextmanager
def loading() -> Iterator[None]:
    """Import within; from then on what was loaded is not looked at, since it lives for good."""
    with uncollected():
        try:
            yield
        finally:
            gc.freeze()
