"""The bench's verdicts: a miss counts as explained only by what the same run measured."""

from __future__ import annotations

from typing import Any

from bench.row import Floor, pauses, row, slower_imports
from bench.rows import memory_rows, start_rows

SCRIPT = {"median_s": 0.24, "memory_mib": 32.2}


def test_a_miss_needs_a_measurement_that_reaches_as_far() -> None:
    near, far = Floor(50, "the near one"), Floor(70, "the far one")
    assert row("memory", 39, 40, "MiB", near).verdict == ""
    assert row("memory", 45, 40, "MiB", near, far).verdict == "missed: the near one; the far one"
    assert row("memory", 60, 40, "MiB", near, far).verdict == "missed: the far one"
    assert row("memory", 45, 40, "MiB").fails
    assert row("memory", 70, 40, "MiB", near, far).fails


def test_a_slower_machine_explains_as_much_as_it_is_slower() -> None:
    twice = {"bare_s": 0.58}
    assert not row("start", 0.99, 0.5, "s", slower_imports(0.5, twice)).fails
    assert row("start", 1.01, 0.5, "s", slower_imports(0.5, twice)).fails
    assert row("start", 0.51, 0.5, "s", slower_imports(0.5, {"bare_s": 0.2})).fails


def test_pauses_of_the_machine_count_for_each_program_on_the_way() -> None:
    uneven = {"p50": 2.0, "p99": 7.0}
    assert not row("latency", 13, 4, "ms", pauses(uneven, 4)).fails
    assert row("latency", 15, 4, "ms", pauses(uneven, 4)).fails
    assert not row("latency", 15, 4, "ms", pauses(uneven, 4, 2)).fails


def soaked(*bridge_mib: float) -> dict[str, Any]:
    driver_mib = [31.0] * len(bridge_mib)
    return {
        "seconds": 300,
        "changes": 1000,
        "memory_mib": {"bridge": list(bridge_mib), "driver": driver_mib},
    }


def test_memory_that_goes_on_to_grow_is_never_explained() -> None:
    floors = {"bridge": 53.8, "driver": 34.9}
    of_plateau = list(memory_rows(soaked(57.7, 58.9, 59.1, 59.3), SCRIPT, floors))
    assert not any(row.fails for row in of_plateau)
    assert "53.8 MiB" in of_plateau[0].verdict
    growing = list(memory_rows(soaked(55.0, 55.2, 55.4, 56.0), SCRIPT, floors))
    assert [row.figure for row in growing if row.fails] == [
        "memory of the bridge, page on, after 3,000, and what the last 1,000 added"
    ]


def test_a_start_is_explained_by_its_libraries_or_by_the_machine() -> None:
    def starts(median_s: float, libraries_s: float, bare_s: float) -> bool:
        measured = {
            "nearest_script": SCRIPT,
            "imports": {"bare_s": bare_s, "times": 1.2},
            "start": {"median_s": median_s, "libraries_s": libraries_s},
        }
        return any(row.fails for row in start_rows(measured))

    assert not starts(0.4, 0.3, 0.29)
    assert not starts(0.8, 0.6, 0.29)
    assert not starts(0.8, 0.3, 0.6)
    assert starts(0.8, 0.3, 0.29)
