"""What takes half an hour and gigabytes: up to 500,000 people, in parts that are kept.

Each part is in a file of its own until it is measured again, so that one can be run alone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import tenants
from bench.rig import machine

FOLDER = Path("bench/results/large")
PARTS: dict[str, dict[str, Any]] = {
    "idle": {"tenants": 1, "people": 100_000, "bridges": 1, "every_s": 5, "seconds": 60},
    "tenants": {"tenants": 10, "people": 5_000, "bridges": 5, "every_s": 5, "seconds": 60},
    "large_tenants": {
        "tenants": 10,
        "people": 50_000,
        "bridges": 5,
        "every_s": tenants.LARGE_EVERY_S,
        "seconds": 120,
    },
}
QUICK = 20
"""So many times fewer people for a look."""


def measure(parts: Iterable[str], *, quick: bool) -> None:
    """Measure ``parts``; each replaces what is kept of it."""
    for name in parts:
        asked = PARTS[name]
        if quick:
            asked = asked | {"people": asked["people"] // QUICK, "seconds": 20}
        keep(name, asyncio.run(tenants.measure(**asked)), quick=quick)


def keep(name: str, figures: dict[str, Any], *, quick: bool) -> None:
    """Write what was measured now."""
    measured = {"on": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), **figures}
    file = _file(name, quick=quick)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def kept(*, quick: bool) -> dict[str, dict[str, Any]]:
    """All parts that were measured so far."""
    files = {name: _file(name, quick=quick) for name in PARTS}
    return {
        name: json.loads(file.read_text(encoding="utf-8"))
        for name, file in files.items()
        if file.exists()
    }


def _file(name: str, *, quick: bool) -> Path:
    return FOLDER / f"{name}{'.quick' if quick else ''}.json"
