"""Writes the tables and pictures of ``docs/performance.md``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import cadence, plots
from bench.row import Row
from bench.rows import DAYS

BEGIN, END = "<!-- scripts/bench writes from here -->", "<!-- to here -->"
BEGIN_LARGE = "<!-- scripts/bench --large writes from here -->"


def write_large(
    page: Path, rows: Mapping[str, list[Row]], measured: Mapping[str, Any], short: str
) -> None:
    """Replace the tables of what ``--large`` measures, which runs apart from all else."""
    lines: list[str] = []
    for name, told in measured.items():
        lines += ["", *_table(rows[name], f"{told['on']}: {told['machine']}{short}")]
    _replace(page, BEGIN_LARGE, lines[1:])


def write(page: Path, rows: list[Row], measured: dict[str, Any], where: str) -> None:
    """Replace the other tables of ``page``, and the pictures beside it."""
    lines = _table(rows, f"{datetime.now(UTC):%Y-%m-%d}: {where}")
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
    _replace(page, BEGIN, lines)


def _table(rows: list[Row], where: str) -> list[str]:
    lines = [f"Measured on {where}.", ""]
    lines += ["| figure | measured | target | |", "|---|---|---|---|"]
    return lines + [f"| {r.figure} | {r.measured} | {r.target} | {r.verdict} |" for r in rows]


def _replace(page: Path, begin: str, lines: list[str]) -> None:
    """Put ``lines`` between the mark ``begin`` and the next end."""
    before, rest = page.read_text(encoding="utf-8").split(begin)
    after = rest.partition(END)[2]
    text = "\n".join([before.rstrip(), "", begin, "", *lines, "", END]) + after
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
