"""Plots as SVG, drawn with plain code: readable on a phone, in dark mode too (own background)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 36, 48, 52
BACKGROUND, INK, GRID = "#ffffff", "#1f2328", "#d0d7de"
COLORS = ("#0969da", "#6e7781", "#1a7f37", "#bc4c00", "#8250df")


@dataclass(frozen=True)
class Series:
    """Points with one colour; joined by a line, or named one by one."""

    name: str
    points: Sequence[tuple[float, float]]
    names: Sequence[str] = ()


def delay_against_calls(told: Mapping[str, Any]) -> str:
    """Mean delay against calls a day: ours, fixed pollers, and the bound."""

    def at(each: Mapping[str, float]) -> tuple[float, float]:
        return each["calls_a_day"], each["mean_delay_s"]

    fixed = {name: each for name, each in told.items() if name in ("fixed 3 s", "fixed 5 s")}
    ours = sorted(map(at, [told["ours"], *told["ours_scaled"]]))
    series = [
        Series("the bridge, faster and slower settings", ours),
        Series("fixed", [at(each) for each in fixed.values()], list(fixed)),
        Series("the best that is possible", sorted(map(at, told["bound"]))),
        Series("", [at(told["ours"])], ["the bridge"]),
    ]
    return lines("Mean delay of a change (s), by requests a day", series)


def cost_against_people(many: Mapping[str, Any]) -> str:
    """Processor seconds of a sweep against people."""
    sweeps = [many[key] for key in ("thousand", "ten_thousand", "hundred_thousand") if key in many]
    named = {
        "nothing changed": "unchanged_s",
        "1 % changed": "one_percent_s",
        "all changed": "all_changed_s",
        "all changed and sent": "with_mqtt_s",
    }
    series = [
        Series(name, [(each["people"], max(0.01, each[key])) for each in sweeps])
        for name, key in named.items()
    ]
    return lines("Processor seconds of a sweep, by people", series, log=True)


def lines(title: str, series: Sequence[Series], *, log: bool = False) -> str:
    """Lines and named points; both axes from 0, or both logarithmic."""
    across = _scale([x for s in series for x, _ in s.points], LEFT, WIDTH - RIGHT, log=log)
    up = _scale([y for s in series for _, y in s.points], HEIGHT - BOTTOM, TOP, log=log)
    parts = [*_axes(across, up)]
    for number, each in enumerate(series):
        parts += _drawn(each, COLORS[number % len(COLORS)], across.at, up.at)
    shown = [(s.name, COLORS[n % len(COLORS)]) for n, s in enumerate(series) if s.name]
    for row, (name, color) in enumerate(shown):
        y = TOP + 16 + 18 * row
        x = LEFT + 12 if log else WIDTH - RIGHT - 290
        parts.append(f'<rect x="{x}" y="{y - 9}" width="14" height="4" fill="{color}"/>')
        parts.append(_text(x + 20, y - 2, name))
    return _svg(title, parts, HEIGHT)


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    """One bar a name, with its value."""
    most, row = max(values.values()), 30
    parts: list[str] = []
    for number, (name, value) in enumerate(values.items()):
        y, width = TOP + number * row, (WIDTH - 300) * value / most
        parts.append(_text(200, y + 15, name, anchor="end"))
        bar = f'<rect x="208" y="{y}" width="{width:.1f}" height="20" fill="{COLORS[0]}"/>'
        parts += [bar, _text(214 + width, y + 15, f"{value:.3g} {unit}")]
    return _svg(title, parts, TOP + row * len(values) + 8)


@dataclass(frozen=True)
class _Scale:
    ticks: Sequence[float]
    at: Callable[[float], float]


def _scale(values: Iterable[float], start: float, end: float, *, log: bool) -> _Scale:
    values = list(values)
    if log:
        low, high = (round_(math.log10(pick(values))) for pick, round_ in _ENDS)
        high = max(high, low + 1)
        ticks = [10.0**power for power in range(low, high + 1)]
        return _Scale(ticks, lambda v: start + (end - start) * (math.log10(v) - low) / (high - low))
    step = 10 ** math.floor(math.log10(max(values)))
    step = step / 2 if max(values) / step < 3 else step
    count = math.ceil(max(values) / step)
    ticks = [step * number for number in range(count + 1)]
    return _Scale(ticks, lambda value: start + (end - start) * value / ticks[-1])


_ENDS: tuple[tuple[Callable[[list[float]], float], Callable[[float], int]], ...] = (
    (min, math.floor),
    (max, math.ceil),
)


def _axes(across: _Scale, up: _Scale) -> Iterator[str]:
    for tick in across.ticks:
        yield _line(across.at(tick), TOP, across.at(tick), HEIGHT - BOTTOM)
        yield _text(across.at(tick), HEIGHT - BOTTOM + 20, f"{tick:,.10g}", anchor="middle")
    for tick in up.ticks:
        yield _line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick))
        yield _text(LEFT - 8, up.at(tick) + 5, f"{tick:,.10g}", anchor="end")


def _drawn(
    series: Series, color: str, across: Callable[[float], float], up: Callable[[float], float]
) -> Iterator[str]:
    at = [(across(x), up(y)) for x, y in series.points]
    if not series.names:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2.5"/>'
    for x, y in at:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}"/>'
    for (x, y), name in zip(at, series.names, strict=False):
        yield _text(x, y - 10, name, anchor="middle")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{GRID}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 14) -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text {where} fill="{INK}">{escape(text)}</text>'


def _svg(title: str, parts: Iterable[str], height: int) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="system-ui, sans-serif">'
    )
    ground = f'<rect width="{WIDTH}" height="{height}" rx="6" fill="{BACKGROUND}"/>'
    named = f"<title>{escape(title)}</title>"
    body = [head, named, ground, _text(LEFT - 48, 26, title, size=16), *parts, "</svg>"]
    return "\n".join(body) + "\n"
