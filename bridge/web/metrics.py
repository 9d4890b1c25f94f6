"""The numbers of the page for Prometheus, in its text format 0.0.4. Pure.

Written here and not by prometheus-client: that costs 3.3 MiB and 70 ms of a start, for a format of
three kinds of lines (Prometheus documentation, "Exposition formats").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from bridge.contract.account import SignInState
from bridge.web.snapshot import Kind, Snapshot
from bridge.web.words import kind_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[dict[str, str], float | None]


def metrics(snapshot: Snapshot) -> str:
    """All metrics; one whose value is not known yet is left out."""
    return "".join(_all(snapshot))


def _all(snapshot: Snapshot) -> Iterator[str]:
    service = snapshot.service
    gauge, counter = "gauge", "counter"
    yield _metric(
        "presence_bridge_info", gauge, "The version.", [({"version": service.version}, 1)]
    )
    for name, kind, text, value in (
        ("start_time_seconds", gauge, "Start of the bridge.", _unix(service.started)),
        ("healthy", gauge, "Whether reading works.", service.healthy),
        ("broker_connected", gauge, "Whether the broker is connected.", service.broker_connected),
        ("broker_reconnects_total", counter, "Reconnects to the broker.", service.reconnects),
        ("broker_queue", gauge, "Messages that wait for the broker.", service.waiting),
        ("last_poll_ok_seconds", gauge, "Time of the last good poll.", _unix(service.last_poll_ok)),
        ("next_poll_seconds", gauge, "Time of the next poll.", _unix(service.next_poll)),
        ("poll_failures", gauge, "Polls that failed in a row.", service.consecutive_failures),
        ("throttled_until_seconds", gauge, "End of a pause.", _unix(service.throttled_until)),
        ("requests_last_hour", gauge, "Requests to Graph in an hour.", service.requests_last_hour),
    ):
        yield _metric(f"presence_bridge_{name}", kind, text, [({}, value)])
    yield _metric(
        "presence_account_fresh",
        gauge,
        "Whether the presence is current.",
        [({"account": person.account}, person.fresh) for person in snapshot.people],
    )
    yield _metric(
        "presence_account_signed_in",
        gauge,
        "Whether the account is signed in.",
        [
            ({"account": p.account}, p.sign_in.state is SignInState.SIGNED_IN)
            for p in snapshot.people
        ],
    )
    yield _metric(
        "presence_account_presence",
        gauge,
        "1 for the kind of presence that holds.",
        [
            ({"account": person.account, "kind": kind}, kind is kind_of(person))
            for person in snapshot.people
            for kind in Kind
        ],
    )
    yield _metric(
        "presence_light_reachable",
        gauge,
        "Whether driver and light answer.",
        [({"light": light.name}, light.online and light.reachable) for light in snapshot.lights],
    )


def _metric(name: str, kind: str, text: str, samples: Iterable[Sample]) -> str:
    lines = [
        f"{name}{_labels(labels)} {float(value):.10g}\n"
        for labels, value in samples
        if value is not None
    ]
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n{''.join(lines)}" if lines else ""


def _labels(labels: dict[str, str]) -> str:
    pairs = ",".join(f'{key}="{_escaped(value)}"' for key, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
