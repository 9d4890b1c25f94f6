"""The rows of many people: sweeps, floods, idle tables, tenants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.row import PROGRAMS, Row, pauses, row, slower
from bridge.microsoft.budget import LIMIT


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
    for quiet in filter(None, (told.get("idle"), told.get("hundred_thousand_idle"))):
        name = f"{quiet['people']:,} people, a sweep each {quiet['every_s']:g} s, nothing changes"
        yield row(f"{name}: messages a second", quiet["messages_a_second"], 1, "")
        beside = quiet["cpu_percent"] - quiet["cpu_percent_bare"]
        bare = f"bare HTTP and JSON of the same answers takes {quiet['cpu_percent_bare']:.1f} %"
        yield row(f"{name}: share of a core beside reading ({bare})", beside, 3, "%")
    for flooded in filter(None, (told.get("flood"), told.get("flood_far"))):
        yield from _flood_rows(flooded, pauses_ms)
    if signed_in:
        name = f"{signed_in['accounts']} sign-ins at 5 s"
        limit_s = 1.2 * signed_in["mean_delay_of_one_s"]
        yield row(f"{name}: share of a core", signed_in["cpu_percent"], 10, "%")
        yield row(f"{name}: mean delay, against one", signed_in["mean_delay_s"], limit_s, "s")
    for shared in filter(None, (told.get("ten_tenants"), told.get("tenants"))):
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
        figure = f"{name}: Graph's answer to a subscriber, while {moment}, worst"
        if round_trip_s:
            yield row(figure, delay_s["max"], 2, "s")
        else:
            yield row(figure, 1000 * delay_s["max"], 100, "ms", pauses(pauses_ms, 100, PROGRAMS))
    yield row(f"{name}: start, until all are sent", told["start"]["took_s"], 60, "s")
    yield row(f"{name}: messages a person at a start", told["start"]["messages_a_person"], 5.5, "")


def _tenant_rows(told: dict[str, Any]) -> Iterator[Row]:
    quiet, bridges = told["quiet"], told["bridges"]
    by = "one bridge" if bridges == 1 else f"{bridges} bridges"
    name = f"{told['tenants']} tenants of {told['people']:,} on {by}"
    of_tenant, refused = quiet["most_calls_of_a_tenant_in_30_s"], quiet["refused"]
    calls = f"{of_tenant:,}, {refused} refused"
    yield Row(
        f"{name}: most requests of a tenant in 30 s",
        calls,
        f"<= {LIMIT:,}, none",
        of_tenant <= LIMIT and not refused,
    )
    yield row(f"{name}: memory of a bridge, all sent", quiet["largest_bridge_mib"], 350, "MiB")


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
