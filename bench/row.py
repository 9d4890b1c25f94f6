"""One figure beside its target, and what of the same run explains a miss. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

PROGRAMS = 4
"""Those that take turns from a publish to the call of a stand-in, or from Graph's answer to what a
browser shows (stand-in, bridge, the browser's network and its page): each may be kept waiting."""
SCRIPT_S, IMPORTS_S = 0.18, 0.29
"""What the nearest script took to start, and the import of four libraries, where targets in seconds
were set."""


@dataclass(frozen=True)
class Row:
    """One figure, its target and whether it holds."""

    figure: str
    measured: str
    target: str
    met: bool
    why: str = ""
    """What explains the miss, measured in the same run."""

    @property
    def fails(self) -> bool:
        """Whether it misses its target and nothing explains it."""
        return not (self.met or self.why)

    @property
    def verdict(self) -> str:
        """Nothing when the target holds."""
        return "" if self.met else f"missed: {self.why}" if self.why else "missed"


@dataclass(frozen=True)
class Floor:
    """What was measured without any program of ours, and the most that this explains."""

    most: float
    why: str


def pauses(pauses_ms: dict[str, float], limit_ms: float, programs: int = 1) -> Floor:
    late_ms = pauses_ms["p99"] - pauses_ms["p50"]
    why = f"{pauses_ms['p50']:.1f} ms of arithmetic alone take {pauses_ms['p99']:.1f} ms at p99"
    return Floor(limit_ms + 2 * programs * late_ms, why)


def slower(limit: float, script: dict[str, float]) -> Floor:
    """What a machine explains on which the nearest script starts more slowly."""
    times = script["median_s"] / SCRIPT_S
    return Floor(
        limit * times,
        f"the nearest script starts {times:.2f} times as slowly as where this was set",
    )


def slower_imports(limit: float, imports: dict[str, Any]) -> Floor:
    """What a machine explains on which the libraries alone take longer to import."""
    bare_s = imports["bare_s"]
    why = f"the libraries alone take {bare_s:.2f} s to import, {IMPORTS_S} s where this was set"
    return Floor(limit * bare_s / IMPORTS_S, why)


def explained(value: float, limit: float, *floors: Floor) -> str:
    """What explains that ``value`` is not below ``limit``: all that reach so far, or nothing."""
    return "; ".join(floor.why for floor in floors if limit <= value < floor.most)


def row(figure: str, value: float, limit: float, unit: str, *floors: Floor) -> Row:
    """That ``value`` is below ``limit``, or why it is not."""
    return Row(
        figure,
        f"{value:.3g} {unit}".strip(),
        f"< {limit:.3g} {unit}".strip(),
        value < limit,
        explained(value, limit, *floors),
    )
