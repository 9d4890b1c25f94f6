"""The figures beside their targets. Pure.

A missed target is named as missed. Where a measurement of the same run shows why it cannot be
reached, the row says so, and counts as explained while it stays near what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench import figures
from bench.crowd_rows import crowd_rows
from bench.row import PROGRAMS, Floor, Row, pauses, row
from bridge.publishing.beats import BEAT_S

OTHERS_MEAN_S = 2.66
"""What a table of the hazards of other people was once measured to reach on days of these."""
LEAVES = 7
"""Topics of one account that a beat repeats; health comes each minute."""
P99_S = 8
"""Of the delay on days of people."""
LIGHT_P99_MS = 20
"""From the publish to the device's call; a person sees no delay below 100 ms."""


DAYS = {
    "people": "people",
    "others": "others, not tuned on",
    "random": "a change a minute, at random",
}


def table(measured: dict[str, Any]) -> list[Row]:
    """The figures beside their targets."""
    script, latency, soak = (measured[key] for key in ("nearest_script", "latency", "soak"))
    handshakes, throttled = measured["handshakes"], measured["throttled"]
    imported = f"imports of the bridge, page on, in times of `import {figures.LIBRARIES}`"
    beat = LEAVES * 3600 / BEAT_S + 3600 / 60
    return [
        row(
            "start to first real state, cached token, page and discovery on (median; the nearest "
            f"script: {script['median_s']:.2f} s)",
            measured["start"]["median_s"],
            0.43,
            "s",
            _start_floor(measured["start"]),
        ),
        row(imported, measured["imports"]["times"], 1.5, ""),
        *_memory_rows(soak, script, measured["floors"]),
        row(
            "Graph's last byte to PUBLISH on the socket, page on, p99",
            latency["graph_to_publish_ms"]["p99"],
            4,
            "ms",
            pauses(measured["pauses_ms"], 4),
        ),
        row(
            "broker to lamp call, p99",
            latency["broker_to_lamp_ms"]["p99"],
            10,
            "ms",
            pauses(measured["pauses_ms"], 10, 2),
        ),
        Row(
            f"polls every {handshakes['every_s']} s, the slowest pace: TLS handshakes",
            f"{handshakes['new']} in {handshakes['polls']} polls",
            "0",
            handshakes["new"] == 0,
        ),
        *_pace_rows(measured["cadence"]),
        Row(
            f"requests during a {throttled['seconds']} s Retry-After",
            str(throttled["requests"]),
            "0",
            throttled["requests"] == 0,
        ),
        row("messages in an hour without change", soak["messages_an_hour"], beat * 1.2, ""),
        *_light_rows(measured),
        *_page_rows(measured["page"], measured["pauses_ms"]),
        *crowd_rows(measured["many"], script, measured["pauses_ms"]),
    ]


def _start_floor(start: dict[str, float]) -> Floor:
    why = f"a Python that loads its libraries and ends takes {start['libraries_s']:.2f} s"
    return Floor(1.25 * start["libraries_s"] + 0.1, why)


def _memory_rows(
    soak: dict[str, Any], script: dict[str, Any], floors: dict[str, float]
) -> Iterator[Row]:
    quiet, busy = f"after {soak['seconds']:.0f} s", f"after {soak['changes']:,} changes"
    nearest = f" (the nearest script: {script['memory_mib']:.1f} MiB)"
    for key, program, limit_mib, own_mib in (
        ("bridge", "the bridge, page on,", 57, 10),
        ("driver", "a driver", 32, 5),
    ):
        libraries_mib = floors[key]
        floor = Floor(libraries_mib + own_mib, f"its libraries alone take {libraries_mib:.1f} MiB")
        name, beside = f"memory of {program}", nearest if key == "bridge" else ""
        yield row(f"{name} {quiet}{beside}", soak[f"{key}_mib"], limit_mib, "MiB", floor)
        yield row(f"{name} {busy}", soak[f"{key}_after_changes_mib"], limit_mib, "MiB", floor)


def _pace_rows(kinds: dict[str, Any]) -> Iterator[Row]:
    limits = {"people": 1.1 * kinds["people"]["bound_mean_s"], "others": OTHERS_MEAN_S}
    for kind, limit_s in limits.items():
        ours, bound_s = kinds[kind]["ours"], kinds[kind]["bound_mean_s"]
        name = f"days of {DAYS[kind]}: mean delay at {ours['calls_a_day']:,.0f} calls a day"
        name += f" (the best possible: {bound_s:.2f} s)"
        held = kind == "people" and ours["p99_delay_s"] < P99_S
        floor = Floor(1.15 * bound_s, "p99 counts more than the mean") if held else None
        yield row(name, ours["mean_delay_s"], limit_s, "s", floor)
    yield row(
        "days of people: p99 of the delay", kinds["people"]["ours"]["p99_delay_s"], P99_S, "s"
    )
    told = kinds["random"]
    fixed_s = told["fixed, same rate"]["mean_delay_s"]
    name = f"a change a minute at random, mean delay (a fixed poller of the rate: {fixed_s:.2f} s)"
    yield row(name, told["ours"]["mean_delay_s"], 1.05 * fixed_s, "s")


def _light_rows(measured: dict[str, Any]) -> Iterator[Row]:
    newest, waits = measured["newest_wins"], pauses(measured["pauses_ms"], LIGHT_P99_MS, PROGRAMS)
    for kind, told in measured["lights"].items():
        latency, libraries_mib = told["latency_ms"], measured["floors"][kind]
        is_met = latency["p99"] < LIGHT_P99_MS
        yield Row(
            f"{kind}: message to device call, p50 and p99",
            f"{latency['p50']:.3g}, {latency['p99']:.3g} ms",
            f"< {LIGHT_P99_MS} ms",
            is_met,
            waits.why if not is_met and latency["p99"] < waits.most else "",
        )
        start = told["start_s"]
        name = f"{kind}: start to first look (median)"
        yield row(name, start["median_s"], 0.5, "s", _start_floor(start))
        floor = Floor(libraries_mib + 7, f"its libraries alone take {libraries_mib:.1f} MiB")
        memory_limit = 46 if kind == "usb" else 40
        name = f"{kind}: memory of the driver"
        yield row(name, told["memory_mib"], memory_limit, "MiB", floor)
    yield Row(
        "writes for 10 changes in 100 ms, 50 ms light",
        f"{newest['writes']}, {'the last' if newest['ends_on_the_last'] else 'an older'} shown",
        "<= 3, the last",
        newest["writes"] <= 3 and newest["ends_on_the_last"],
    )


def _page_rows(told: dict[str, Any], pauses_ms: dict[str, float]) -> Iterator[Row]:
    if news := told.get("news_ms"):
        name = "page: Graph's last byte to changed page, p99"
        yield row(name, news["p99"], 50, "ms", pauses(pauses_ms, 50, PROGRAMS))
    if paint := told.get("paint_s"):
        yield row("page: first visit painted, phone profile (median)", paint["median"], 0.5, "s")
    pages = told["open_pages"]
    name = f"page: {pages['pages']} open, nothing changes, one core"
    yield row(name, pages["added_percent"], 5, "%")
    yield row("page: all of its files", told["bytes"] / 1000, 60, "kB")
