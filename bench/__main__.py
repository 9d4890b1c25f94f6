"""``scripts/bench``: measures, prints a table against the targets, writes JSON.

Exit code 1 when a target is missed and no measurement of the same run explains it; every missed
target is named.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import bare, cadence, docs, endurance, figures, flood, large, lights, many, page, tenants
from bench.crowd_rows import large_rows
from bench.rig import Rig, machine, rig
from bench.row import Row
from bench.rows import table

Figure = Callable[[Rig], Awaitable[dict[str, Any]]]


def main(argv: Sequence[str] | None = None) -> int:
    """Run every benchmark; ``--quick`` for a look, without it for the figures of the docs."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true", help="few runs and short times")
    parser.add_argument(
        "--large",
        nargs="*",
        choices=large.PARTS,
        help="only 100,000 people who do nothing, and ten tenants of 5,000 and of 50,000; or parts",
    )
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"))
    parser.add_argument("--docs", type=Path, help="also write the tables into this page")
    arguments = parser.parse_args(argv)
    if arguments.large is not None:
        return _large(arguments.large or large.PARTS, arguments.docs, quick=arguments.quick)
    gc.collect()
    gc.freeze()  # to look for garbage among what is loaded would be in some of the short times
    measured = asyncio.run(_measure(quick=arguments.quick))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(
        json.dumps(measured, indent=2, sort_keys=True) + "\n", encoding="utf-8"
    )
    rows, where = table(measured), f"{measured['machine']}{_short(quick=arguments.quick)}"
    _print(rows, where)
    if arguments.docs:
        docs.write(arguments.docs, rows, measured, where)
    return 1 if any(row.fails for row in rows) else 0


def _large(parts: Iterable[str], page: Path | None, *, quick: bool) -> int:
    large.measure(parts, quick=quick)
    measured = large.kept(quick=quick)
    rows = {name: list(large_rows(told)) for name, told in measured.items()}
    for name, told in measured.items():
        _print(rows[name], f"{told['machine']}, {told['on']}{_short(quick=quick)}")
    if page:
        docs.write_large(page, rows, measured, _short(quick=quick))
    return 1 if any(row.fails for name in parts for row in rows[name]) else 0


async def _measure(*, quick: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {"machine": machine(), "quick": quick}
    _begin("pace, without any program")
    measured["cadence"] = cadence.run(quick=quick)
    async with rig() as built:
        _begin("start, imports, memory of the libraries")
        measured["start"] = await figures.start(built, runs=3 if quick else 20)
        measured["nearest_script"] = await figures.nearest_script(built, runs=3 if quick else 10)
        measured["imports"] = await figures.imports(built, runs=3 if quick else 10)
        measured["floors"] = await bare.memories_mib(built)
        _begin("Graph's answer to the broker and to a lamp")
        measured["latency"] = await figures.latency(built, changes=40 if quick else 300)
        work_ms = measured["latency"]["graph_to_publish_ms"]["p50"]
        measured["pauses_ms"] = await figures.pauses_ms(work_ms)
        _begin("each kind of light")
        measured["lights"] = await lights.kinds(
            built, changes=20 if quick else 50, starts=3 if quick else 5
        )
        measured["newest_wins"] = await lights.newest_wins()
        _begin("the page")
        measured["page"] = await page.run(built, quick=quick)
        _begin("many people")
        measured["many"] = await many.run(built, quick=quick)
    _begin("a soak, the slowest pace and a Retry-After, at once")
    async with asyncio.TaskGroup() as tasks:
        running = {
            name: tasks.create_task(_alone(figure)) for name, figure in _long(quick=quick).items()
        }
    measured |= {name: task.result() for name, task in running.items()}
    seconds = 20 if quick else 60
    _begin("10,000 people, idle and while all are sent, and ten tenants")
    measured["many"]["idle"] = await tenants.measure(
        tenants=1, people=10_000, bridges=1, every_s=5, seconds=2 * seconds
    )
    for name, round_trip_s in (("flood", 0.0), ("flood_far", flood.FAR_S)):
        measured["many"][name] = await _alone(
            partial(flood.measure, people=2_000 if quick else 10_000, round_trip_s=round_trip_s)
        )
    measured["many"]["ten_tenants"] = await tenants.measure(
        tenants=10, people=300, bridges=5, every_s=5, seconds=seconds
    )
    if not quick:
        _begin("100,000 people")
        measured["many"]["hundred_thousand"] = await _alone(many.hundred_thousand)
    return measured


def _begin(part: str) -> None:
    print(f"scripts/bench measures: {part} ...", file=sys.stderr, flush=True)


def _long(*, quick: bool) -> dict[str, Figure]:
    """What waits for long and measures no short time, so that it may run at once."""
    seconds, changes = (20, 50) if quick else (300, 1000)
    return {
        "soak": lambda built: endurance.soak(built, seconds=seconds, changes=changes),
        "handshakes": lambda built: endurance.handshakes(built, 2, every_s=20 if quick else 30),
        "throttled": lambda built: endurance.throttled(built, seconds=10 if quick else 120),
    }


async def _alone(figure: Figure) -> dict[str, Any]:
    async with rig() as built:
        return await figure(built)


def _short(*, quick: bool) -> str:
    return ", with --quick: few runs, short times, not for quoting" if quick else ""


def _print(rows: list[Row], where: str) -> None:
    print(f"\nMeasured on {where}\n")
    width = max(len(row.figure) for row in rows)
    for row in rows:
        mark = "MISSED" if row.fails else "missed" if row.why else "ok    "
        why = f"   {row.why}" if row.why else ""
        print(f"{mark}  {row.figure:<{width}}  {row.measured:>12}   {row.target}{why}")


if __name__ == "__main__":
    sys.exit(main())
