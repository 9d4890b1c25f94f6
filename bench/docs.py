"""Writes the tables and pictures of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cadence, plots
from bench.row import Row
from bench.rows import DAYS

BEGIN, END = "<!-- scripts/bench writes from here -->", "<!-- to here -->"


def write(page: Path, rows: list[Row], measured: dict[str, Any], where: str) -> None:
    """Replace what stands between the two marks of ``page``, and the pictures beside it."""
    lines = [f"Measured on {datetime.now(UTC):%Y-%m-%d}: {where}.", ""]
    lines += ["| figure | measured | target | |", "|---|---|---|---|"]
    lines += [f"| {row.figure} | {row.measured} | {row.target} | {row.verdict} |" for row in rows]
    lines += [
        "",
        "| days | poller | mean delay | p90 | p99 | calls a day |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {DAYS[kind]} | {name} | {day['mean_delay_s']:.2f} s | {day['p90_delay_s']:.2f} s | "
        f"{day['p99_delay_s']:.2f} s | {day['calls_a_day']:,.0f} |"
        for kind, told in measured["cadence"].items()
        for name, day in cadence.pollers(told)
    ]
    for name, text, picture in _pictures(measured):
        file = page.parent / "pictures" / f"performance-{name}.svg"
        file.write_text(picture, encoding="utf-8")
        lines += ["", f"![{text}](pictures/{file.name})"]
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    text = "\n".join([before.rstrip(), "", BEGIN, "", *lines, "", END]) + after
    page.write_text(text, encoding="utf-8")


def _pictures(measured: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Name, words for who does not see it, and the SVG."""
    yield (
        "delay",
        "Delay against requests",
        plots.delay_against_calls(measured["cadence"]["people"]),
    )
    imported, starts = measured["imports"], measured["start"]
    title = "Memory of a Python that has imported (MiB)"
    yield "memory", "Memory by import", plots.bars(title, imported["memory_mib"], "MiB")
    seconds = {
        "bare libraries": imported["bare_s"],
        "imports of the bridge": imported["bridge_s"],
        "start to first state": starts["median_s"],
        "the nearest script": measured["nearest_script"]["median_s"],
    }
    yield "start", "Start by import", plots.bars("Start: imports and the rest (s)", seconds, "s")
    yield "people", "Cost against people", plots.cost_against_people(measured["many"])
