"""``presence-bridge init`` to its end, in this process."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from bridge.setup import Host, InitOptions, steps


def initialise(
    folder: Path,
    options: InitOptions,
    random: Callable[[int], bytes] = os.urandom,
    host: Host | None = None,
) -> list[str]:
    """All that it does; its lines."""
    return list(steps(folder, options, random, host))
