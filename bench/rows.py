"""The figures beside their targets. Pure.

A missed target is named as missed. Where a measurement of the same run shows why it cannot be
reached, the row says so, and counts as explained while it stays near what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.bare import LIBRARIES
from bench.crowd_rows import crowd_rows
from bench.row import PROGRAMS, Floor, Row, explained, pauses, row, slower_imports
from bridge.publishing.beats import BEAT_S

OTHERS_MEAN_S = 2.66
"""What a table of the hazards of other people was once measured to reach on days of these."""
LEAVES = 7
"""Topics of one account that a beat repeats; health comes each minute."""
P99_S = 8
"""Of the delay on days of people."""
LIGHT_P99_MS = 20
"""From the publish to the device's call; a person sees no delay below 100 ms."""
OWN_MIB = {"bridge": 7, "driver": 5, "kind": 7}
"""What our own part may add to the libraries of a program before it has to explain itself."""
GROWS_MIB = 0.5
"""The most that a plateau may rise; memory comes in pages and arenas."""

DAYS = {
    "people": "people",
    "others": "others, not tuned on",
    "random": "a change a minute, at random",
}


def table(measured: dict[str, Any]) -> list[Row]:
    """The figures beside their targets."""
    script, pauses_ms = measured["nearest_script"], measured["pauses_ms"]
    return [
        *start_rows(measured),
        *memory_rows(measured["soak"], script, measured["floors"]),
        *_latency_rows(measured["latency"], pauses_ms),
        *_wait_rows(measured["handshakes"], measured["throttled"], measured["soak"]),
        *_pace_rows(measured["cadence"]),
        *_light_rows(measured),
        *_page_rows(measured["page"], pauses_ms),
        *crowd_rows(measured["many"], script, pauses_ms),
    ]


def start_rows(measured: dict[str, Any]) -> Iterator[Row]:
    """How long the bridge takes to start, and what it loads for that."""
    script_s, imports = measured["nearest_script"]["median_s"], measured["imports"]
    name = "start to first real state, cached token, page and discovery on (median; the nearest "
    yield _start_row(f"{name}script: {script_s:.2f} s)", measured["start"], 0.43, imports)
    name = f"imports of the bridge, page on, in times of `import {', '.join(LIBRARIES)}`"
    yield row(name, imports["times"], 1.5, "")


def _start_row(name: str, start: dict[str, float], limit_s: float, imports: dict[str, Any]) -> Row:
    why = f"a Python that loads its libraries and ends takes {start['libraries_s']:.2f} s"
    libraries = Floor(1.25 * start["libraries_s"] + 0.1, why)
    return row(name, start["median_s"], limit_s, "s", libraries, slower_imports(limit_s, imports))


def memory_rows(
    soak: dict[str, Any], script: dict[str, float], floors: dict[str, float]
) -> Iterator[Row]:
    """What bridge and driver take, at rest and after changes, and what more changes add."""
    changes = soak["changes"]
    for key, program, limit_mib in (
        ("bridge", "the bridge, page on", 57),
        ("driver", "a driver", 32),
    ):
        quiet_mib, first_mib, *_, before_mib, last_mib = soak["memory_mib"][key]
        nearest = (
            f" (the nearest script: {script['memory_mib']:.1f} MiB)" if key == "bridge" else ""
        )
        name, floor = f"memory of {program}, after", _memory_floor(floors[key], OWN_MIB[key])
        yield row(f"{name} {soak['seconds']:.0f} s{nearest}", quiet_mib, limit_mib, "MiB", floor)
        yield row(f"{name} {changes:,} changes", first_mib, limit_mib, "MiB", floor)
        name = f"{name} {3 * changes:,}, and what the last {changes:,} added"
        yield Row(
            name,
            f"{last_mib:.1f}, {last_mib - before_mib:.1f} MiB",
            f"< {GROWS_MIB} MiB added",
            last_mib - before_mib < GROWS_MIB,
        )


def _memory_floor(libraries_mib: float, own_mib: float) -> Floor:
    why = f"its libraries alone, having talked to the broker, take {libraries_mib:.1f} MiB"
    return Floor(libraries_mib + own_mib, why)


def _latency_rows(latency: dict[str, Any], pauses_ms: dict[str, float]) -> Iterator[Row]:
    of_graph, of_lamp = latency["graph_to_publish_ms"], latency["broker_to_lamp_ms"]
    name = "Graph's last byte to PUBLISH on the socket, page on, p99"
    yield row(f"{name} {_median(of_graph)}", of_graph["p99"], 4, "ms", pauses(pauses_ms, 4))
    name = "broker to lamp call, p99"
    yield row(f"{name} {_median(of_lamp)}", of_lamp["p99"], 10, "ms", pauses(pauses_ms, 10, 2))


def _median(spread_ms: dict[str, float]) -> str:
    return f"(p50: {spread_ms['p50']:.3g} ms)"


def _wait_rows(
    handshakes: dict[str, Any], throttled: dict[str, Any], soak: dict[str, Any]
) -> Iterator[Row]:
    yield Row(
        f"polls every {handshakes['every_s']} s, the slowest pace: TLS handshakes",
        f"{handshakes['new']} in {handshakes['polls']} polls",
        "0",
        handshakes["new"] == 0,
    )
    yield Row(
        f"requests during a {throttled['seconds']} s Retry-After",
        str(throttled["requests"]),
        "0",
        throttled["requests"] == 0,
    )
    beat = LEAVES * 3600 / BEAT_S + 3600 / 60
    yield row("messages in an hour without change", soak["messages_an_hour"], beat * 1.2, "")


def _pace_rows(kinds: dict[str, Any]) -> Iterator[Row]:
    limits = {"people": 1.1 * kinds["people"]["bound_mean_s"], "others": OTHERS_MEAN_S}
    for kind, limit_s in limits.items():
        ours, bound_s = kinds[kind]["ours"], kinds[kind]["bound_mean_s"]
        name = f"days of {DAYS[kind]}: mean delay at {ours['calls_a_day']:,.0f} calls a day"
        name += f" (the best possible: {bound_s:.2f} s)"
        is_prompt = kind == "people" and ours["p99_delay_s"] < P99_S
        floors = [Floor(1.15 * bound_s, "p99 counts more than the mean")] if is_prompt else []
        yield row(name, ours["mean_delay_s"], limit_s, "s", *floors)
    yield row(
        "days of people: p99 of the delay", kinds["people"]["ours"]["p99_delay_s"], P99_S, "s"
    )
    random = kinds["random"]
    fixed_s = random["fixed, same rate"]["mean_delay_s"]
    name = f"a change a minute at random, mean delay (a fixed poller of the rate: {fixed_s:.2f} s)"
    yield row(name, random["ours"]["mean_delay_s"], 1.05 * fixed_s, "s")


def _light_rows(measured: dict[str, Any]) -> Iterator[Row]:
    for kind, light in measured["lights"].items():
        yield from _rows_of_kind(kind, light, measured)
    newest = measured["newest_wins"]
    yield Row(
        "writes for 10 changes in 100 ms, 50 ms light",
        f"{newest['writes']}, {'the last' if newest['ends_on_the_last'] else 'an older'} shown",
        "<= 3, the last",
        newest["writes"] <= 3 and newest["ends_on_the_last"],
    )


def _rows_of_kind(kind: str, light: dict[str, Any], measured: dict[str, Any]) -> Iterator[Row]:
    took_ms = light["latency_ms"]
    waits = pauses(measured["pauses_ms"], LIGHT_P99_MS, PROGRAMS)
    yield Row(
        f"{kind}: message to device call, p50 and p99",
        f"{took_ms['p50']:.3g}, {took_ms['p99']:.3g} ms",
        f"< {LIGHT_P99_MS} ms",
        took_ms["p99"] < LIGHT_P99_MS,
        explained(took_ms["p99"], LIGHT_P99_MS, waits),
    )
    name = f"{kind}: start to first look (median)"
    yield _start_row(name, light["start_s"], 0.5, measured["imports"])
    floor = _memory_floor(measured["floors"][kind], OWN_MIB["kind"])
    limit_mib = 46 if kind == "usb" else 40
    yield row(f"{kind}: memory of the driver", light["memory_mib"], limit_mib, "MiB", floor)


def _page_rows(page: dict[str, Any], pauses_ms: dict[str, float]) -> Iterator[Row]:
    if news := page.get("news_ms"):
        name = "page: Graph's last byte to changed page, p99"
        yield row(f"{name} {_median(news)}", news["p99"], 50, "ms", pauses(pauses_ms, 50, PROGRAMS))
    if paint := page.get("paint_s"):
        yield row("page: first visit painted, phone profile (median)", paint["median"], 0.5, "s")
    pages = page["open_pages"]
    name = f"page: {pages['pages']} open, nothing changes, one core"
    yield row(name, pages["added_percent"], 5, "%")
    yield row("page: all of its files", page["bytes"] / 1000, 60, "kB")
