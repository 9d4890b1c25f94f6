"""``scripts/bench``: measures, prints a table against the targets, writes JSON.

Exit code 1 when a target is missed and no measurement of the same run explains it; every missed
target is named.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import cadence, docs, figures, flood, lights, many, page, tenants
from bench.idle import idle
from bench.rig import Rig, rig
from bench.row import Row
from bench.rows import table

Figure = Callable[[Rig], Awaitable[dict[str, Any]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run every benchmark; ``--quick`` for a look, without it for the figures of the docs."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true", help="few runs and short times")
    parser.add_argument(
        "--large",
        action="store_true",
        help="also 100,000 people who do nothing, and tenants of 50,000: half an hour more",
    )
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"))
    parser.add_argument("--docs", type=Path, help="also write the tables into this page")
    arguments = parser.parse_args(argv)
    measured = asyncio.run(_measure(quick=arguments.quick, large=arguments.large))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(
        json.dumps(measured, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    rows = table(measured)
    _print(rows, _where(measured))
    if arguments.docs:
        docs.write(arguments.docs, rows, measured, _where(measured))
    return 1 if any(row.fails for row in rows) else 0


async def _measure(*, quick: bool, large: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {"machine": machine(), "quick": quick}
    measured["cadence"] = cadence.run(quick=quick)
    async with rig() as built:
        measured["start"] = await figures.start(built, runs=3 if quick else 20)
        measured["nearest_script"] = await figures.nearest_script(built, runs=3 if quick else 10)
        measured["imports"] = await figures.imports(built, runs=3 if quick else 10)
        measured["floors"] = await figures.floors()
        measured["latency"] = await figures.latency(built, changes=40 if quick else 300)
        work_ms = measured["latency"]["graph_to_publish_ms"]["p50"]
        measured["pauses_ms"] = await figures.pauses_ms(work_ms)
        measured["lights"] = await lights.kinds(
            built, changes=20 if quick else 50, starts=3 if quick else 5
        )
        measured["newest_wins"] = await lights.newest_wins()
        measured["page"] = await page.run(built, quick=quick)
        measured["many"] = await many.run(built, quick=quick)
    async with asyncio.TaskGroup() as tasks:
        running = {
            name: tasks.create_task(_alone(figure)) for name, figure in _long(quick=quick).items()
        }
    measured |= {name: task.result() for name, task in running.items()}
    measured["many"]["idle"] = await _alone(
        partial(idle, people=10_000, every_s=5, seconds=30 if quick else 150)
    )
    for name, round_trip_s in (("flood", 0.0), ("flood_far", flood.FAR_S)):
        measured["many"][name] = await _alone(
            partial(flood.measure, people=2_000 if quick else 10_000, round_trip_s=round_trip_s)
        )
    measured["many"]["ten_tenants"] = await tenants.measure(
        tenants=10,
        people=5_000 if large else 300,
        bridges=5,
        seconds=20 if quick else 60,
        everybody=False,
    )
    if not quick:
        measured["many"]["hundred_thousand"] = await _alone(many.hundred_thousand)
    if large:
        measured["many"]["hundred_thousand_idle"] = await _alone(
            partial(idle, people=100_000, every_s=5, seconds=60)
        )
        measured["many"]["tenants"] = await tenants.measure(
            tenants=2, people=50_000, bridges=1, seconds=90, everybody=False
        )
    return measured


def _long(*, quick: bool) -> dict[str, Figure]:
    """What waits for long and measures no short time, so that it may run at once."""
    seconds, changes = (20, 50) if quick else (300, 1000)
    return {
        "soak": lambda built: figures.soak(built, seconds=seconds, changes=changes),
        "handshakes": lambda built: figures.handshakes(built, 2, every_s=20 if quick else 30),
        "throttled": lambda built: figures.throttled(built, seconds=10 if quick else 120),
    }


async def _alone(figure: Figure) -> dict[str, Any]:
    async with rig() as built:
        return await figure(built)


def machine() -> str:
    """What this was measured on."""
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def _where(measured: dict[str, Any]) -> str:
    short = ", with --quick: few runs, short times, not for quoting" if measured["quick"] else ""
    return f"{measured['machine']}{short}"


def _print(rows: list[Row], where: str) -> None:
    print(f"\nMeasured on {where}\n")
    width = max(len(row.figure) for row in rows)
    for row in rows:
        mark = "MISSED" if row.fails else "missed" if row.why else "ok    "
        why = f"   {row.why}" if row.why else ""
        print(f"{mark}  {row.figure:<{width}}  {row.measured:>12}   {row.target}{why}")


if __name__ == "__main__":
    sys.exit(main())
