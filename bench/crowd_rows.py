"""The rows of many people: sweeps, floods, idle tables, tenants. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.row import PROGRAMS, Floor, Row, pauses, row, slower
from bridge.microsoft.budget import LIMIT
from bridge.publishing.outgoing import MANY

PAUSE_S = 5.0
"""Between two reads of a sign-in."""
FIRST_START_MOST = 6.5
"""Five topics each. Without a record of an earlier start it is looked for what that left, among all
that is stored by then: at most one acknowledgement each."""


def crowd_rows(
    told: dict[str, Any], script: dict[str, float], pauses_ms: dict[str, float]
) -> Iterator[Row]:
    small, large, signed_in = (
        told.get(key) for key in ("ten_thousand", "hundred_thousand", "delegated")
    )
    if small:
        yield from _swept_rows(
            small, script, all_changed_s=1.0, with_mqtt_s=5.0, one_percent_s=0.15
        )
    if large:
        yield from _swept_rows(large, script, all_changed_s=10, with_mqtt_s=60)
        name = f"{large['people']:,} people: memory, all sent"
        yield row(name, large["resident_mib"], 300, "MiB")
    if quiet := told.get("idle"):
        yield from _idle_rows(quiet)
    for flooded in filter(None, (told.get("flood"), told.get("flood_far"))):
        yield from _flood_rows(flooded, pauses_ms)
    if signed_in:
        name = f"{signed_in['accounts']} sign-ins at {PAUSE_S:g} s"
        yield row(f"{name}: share of a core", signed_in["cpu_percent"], 10, "%")
        waits = f"{name}: mean delay (half of the pause: {PAUSE_S / 2} s)"
        yield row(waits, signed_in["mean_delay_s"], 1.2 * PAUSE_S / 2, "s")
    if shared := told.get("ten_tenants"):
        yield from _tenant_rows(shared)
    most = told["budget"]["most"]
    yield Row(
        f"requests in 30 s, {told['budget']['wanted']:,.0f} wanted",
        str(most),
        f"<= {LIMIT:,}",
        most <= LIMIT,
    )


def _flood_rows(told: dict[str, Any], pauses_ms: dict[str, float]) -> Iterator[Row]:
    """How soon a change is seen, and what sending all costs."""
    round_trip_s = told["round_trip_s"]
    where = f"broker {round_trip_s * 1000:g} ms away" if round_trip_s else "broker beside it"
    name = f"{told['people']:,} people, {where}"
    moments = {
        "nobody else changes": told["calm_s"],
        "all are sent at a start": told["start"]["delay_s"],
        "all are sent to a new broker": told["broker_restart"]["delay_s"],
    }
    for moment, delay_s in moments.items():
        figure = f"{name}: Graph's answer to a subscriber, while {moment}, worst of "
        figure += f"{delay_s['n']} (median {1000 * delay_s['p50']:.0f} ms)"
        if round_trip_s:
            yield row(figure, delay_s["max"], 2, "s")
        else:
            yield row(figure, 1000 * delay_s["max"], 100, "ms", pauses(pauses_ms, 100, PROGRAMS))
    yield row(f"{name}: start, until all are sent", told["start"]["took_s"], 60, "s")
    each = told["start"]["messages_a_person"]
    yield row(f"{name}: messages a person at a first start", each, FIRST_START_MOST, "")


def large_rows(told: dict[str, Any]) -> Iterator[Row]:
    """The rows of a part that runs alone, for it takes long."""
    return _idle_rows(told) if told["bridges"] == 1 else _tenant_rows(told)


def _idle_rows(told: dict[str, Any]) -> Iterator[Row]:
    """What people cost who do nothing; processor is counted by the request."""
    quiet, bare = told["quiet"], told["bare"]
    name = f"{told['people']:,} people, a read each {told['every_s']:g} s, nothing changes"
    yield row(f"{name}: messages a second", quiet["messages"] / quiet["seconds"], 1, "")
    calls = 100 * told["calls"] / told["every_s"]
    ours = calls * quiet["bridge_s"] / quiet["calls"]
    http = calls * bare["reader_s"] / bare["calls"]
    both = f"the bridge takes {ours:.1f} %, HTTP alone {http:.1f} %"
    yield row(f"{name}: share of a core beside HTTP ({both})", ours - http, 3, "%")
    yield row(f"{name}: memory of the bridge", _most(told, "largest_bridge_mib"), 350, "MiB")


def _tenant_rows(told: dict[str, Any]) -> Iterator[Row]:
    """What tenants cost that several bridges share, for the busiest of these."""
    start, quiet, bridges = told["start"], told["quiet"], told["bridges"]
    people, every_s = told["tenants"] * told["people"], told["every_s"]
    name = f"{told['tenants']} tenants of {told['people']:,} on {bridges} bridges"
    name += f", a read each {every_s:g} s"
    of_tenant = int(_most(told, "most_calls_of_a_tenant_in_30_s"))
    refused = sum(told[part]["refused"] for part in PARTS)
    yield Row(
        f"{name}: most requests of a tenant in 30 s",
        f"{of_tenant:,}, {refused} refused",
        f"<= {LIMIT:,}, none",
        of_tenant <= LIMIT and not refused,
    )
    yield row(f"{name}: memory of a bridge", _most(told, "largest_bridge_mib"), 350, "MiB")
    started, limit_s = f"{name}: start, until all are on the broker", 25 + 0.0018 * people
    shared = _shared(start, bridges, limit_s)
    yield row(started, start["seconds"], limit_s, "s", *shared)
    busy_s = start["busiest_bridge_s"]
    yield row(f"{started}, CPU of a bridge", busy_s, 4 + 0.002 * people / bridges, "s")
    most = FIRST_START_MOST if people > MANY * bridges else 8.5  # of few more is sent
    yield row(f"{started}, messages a person", start["messages"] / people, most, "")
    reads = quiet["calls"] / told["calls"]
    read_s, most_s = quiet["busiest_bridge_s"] / reads, 0.1 + 0.006 * told["calls"] / bridges
    yield row(f"{name}: CPU of a bridge for a read, nothing changes", read_s, most_s, "s")
    messages = quiet["messages"] / quiet["seconds"] / bridges
    most = 2 * told["tenants"] / bridges / every_s + 20 / 60  # one a read and table, acknowledged
    yield row(f"{name}: messages a second of a bridge, nothing changes", messages, most, "")
    seen = f"{name}: {told['one_percent']['changed']:,} change at once, the last is seen after"
    limit_s = 2 * every_s
    shared = _shared(start, bridges, limit_s)
    yield row(seen, told["one_percent"]["seen_s_last"], limit_s, "s", *shared)


def _shared(start: dict[str, Any], bridges: int, limit_s: float) -> Sequence[Floor]:
    """What other work on the machine explains: at a start, one core at least has enough to do."""
    used_s = bridges * start["bridge_s"] + start["broker_s"] + start["microsoft_s"]
    cores = used_s / start["seconds"]
    why = f"the start had {cores:.2f} cores, other work the rest"
    return [Floor(limit_s / cores, why)] if cores < 1 else []


PARTS = ("start", "quiet", "one_percent")


def _most(told: dict[str, Any], key: str) -> float:
    return float(max(told[part][key] for part in PARTS))


SWEPT = {
    "all_changed_s": "all changed, CPU, no broker",
    "with_mqtt_s": "all changed, CPU, all sent",
    "one_percent_s": "1 % changed, CPU, no broker",
}


def _swept_rows(
    swept: dict[str, Any], script: dict[str, float], **limits_s: float
) -> Iterator[Row]:
    name = f"{swept['people']:,} people, a sweep of {swept['calls']} calls"
    for key, limit_s in limits_s.items():
        floor = slower(limit_s, script)
        yield row(f"{name}: {SWEPT[key]}", swept[key], limit_s, "s", floor)
