"""``scripts/bench``: measures, prints a table against the targets, writes JSON.

Exit code 1 when a target is missed; a missed target is named, never hidden.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import cadence, figures
from bench.rig import rig


@dataclass(frozen=True)
class Row:
    """One figure, its target and whether it holds."""

    figure: str
    measured: str
    target: str
    met: bool


def main(argv: Sequence[str] | None = None) -> int:
    """Run every benchmark; ``--quick`` for a look, without for the figures of the docs."""
    parser = argparse.ArgumentParser(prog="scripts/bench")
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten")
    parser.add_argument("--json", type=Path, default=Path("bench/results/latest.json"))
    arguments = parser.parse_args(argv)
    measured = asyncio.run(_measure(quick=arguments.quick))
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(figures.as_json(measured) + "\n", encoding="utf-8")
    rows = table(measured)
    _print(rows, measured["machine"])
    return 0 if all(row.met for row in rows) else 1


async def _measure(*, quick: bool) -> dict[str, Any]:
    measured: dict[str, Any] = {"machine": machine(), "quick": quick}
    measured["cadence"] = cadence.run()
    async with rig() as built:
        measured["start"] = await figures.start(built, runs=5 if quick else 20)
        measured["latency"] = await figures.latency(built, changes=40 if quick else 300)
        measured["soak"] = await figures.soak(built, seconds=20 if quick else 300)
        measured["throttled"] = await figures.throttled(built, seconds=10 if quick else 120)
    return measured


def machine() -> str:
    """What this was measured on."""
    return (
        f"{os.cpu_count()} cores {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def table(measured: dict[str, Any]) -> list[Row]:
    """The figures beside their targets."""
    start, soak, throttled = measured["start"], measured["soak"], measured["throttled"]
    latency, days = measured["latency"], measured["cadence"]
    broker_p99 = latency["graph_to_broker_ms"]["p99"]
    lamp_p99 = latency["broker_to_lamp_ms"]["p99"]
    ours, fixed = days["ours"], days["fixed_5s"]
    beat = 2 * 3600 / 120 + 3600 / 60
    return [
        _row("start to first state, cached token (median)", start["median_s"], 0.8, "s"),
        _row(f"memory of the bridge after {soak['seconds']:.0f} s", soak["bridge_mib"], 58, "MiB"),
        _row(f"memory of a driver after {soak['seconds']:.0f} s", soak["driver_mib"], 38, "MiB"),
        _row("Graph answer to broker, p99", broker_p99, 10, "ms"),
        _row("broker to lamp call, p99", lamp_p99, 10, "ms"),
        _row("mean delay over a day", ours["mean_delay_s"], fixed["mean_delay_s"], "s"),
        _row("Graph calls over a day", ours["calls_a_day"], fixed["calls_a_day"], ""),
        Row(
            f"requests during a {throttled['seconds']} s Retry-After",
            str(throttled["requests"]),
            "0",
            throttled["requests"] == 0,
        ),
        _row("messages in an hour without change", soak["messages_an_hour"], beat * 1.2, ""),
    ]


def _row(figure: str, value: float, limit: float, unit: str) -> Row:
    return Row(
        figure, f"{value:.3g} {unit}".strip(), f"< {limit:.3g} {unit}".strip(), value < limit
    )


def _print(rows: list[Row], where: str) -> None:
    print(f"\nMeasured on {where}\n")
    width = max(len(row.figure) for row in rows)
    for row in rows:
        mark = "ok    " if row.met else "MISSED"
        print(f"{mark}  {row.figure:<{width}}  {row.measured:>12}   {row.target}")


if __name__ == "__main__":
    sys.exit(main())
