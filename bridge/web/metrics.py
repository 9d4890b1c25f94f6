"""The numbers of the snapshot for Prometheus.

prometheus-client is loaded with the first scrape: most homes never have one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from bridge.contract.account import SignInState
from bridge.contract.presence_kind import Kind
from bridge.web.data.readiness import waiting_for
from bridge.web.data.snapshot import Snapshot

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

EACH_MOST = 500
"""With more people than this only their sums are shown: Prometheus wants few series."""

Samples = Iterable[tuple[dict[str, str], float | None]]
Family = tuple[str, str, Samples]


def metrics(snapshot: Snapshot) -> bytes:
    """All metrics in the text format 0.0.4; one whose value is not known yet is left out."""
    from prometheus_client import generate_latest  # noqa: PLC0415 - as said above

    return generate_latest(_Numbers(snapshot))


class _Numbers(NamedTuple):
    """A collector over one snapshot; a name that ends with ``_total`` is a counter."""

    snapshot: Snapshot

    def collect(self) -> Iterator[Metric]:
        from prometheus_client import Metric  # noqa: PLC0415 - as said above

        snapshot = self.snapshot
        for name, text, samples in (*_bridge(snapshot), *_accounts(snapshot), _lights(snapshot)):
            is_counter = name.endswith("_total")
            family = Metric(name.removesuffix("_total"), text, "counter" if is_counter else "gauge")
            for labels, value in samples:
                if value is not None:
                    family.add_sample(name, labels, value)
            yield family


def _bridge(snapshot: Snapshot) -> Iterator[Family]:
    service, waiting = snapshot.service, sum(1 for _ in waiting_for(snapshot))
    version = {"version": service.version}
    yield "presence_bridge_info", "The version.", [(version, 1)]
    for name, text, value in (
        ("broker_reconnects_total", "Reconnects to the broker.", service.reconnects),
        ("start_time_seconds", "Start of the bridge.", _unix(service.started)),
        ("healthy", "Whether reading works.", service.healthy),
        ("sign_ins_needed", "Sign-ins that wait for somebody.", waiting),
        ("broker_connected", "Whether the broker is connected.", service.broker_connected),
        ("broker_queue", "Messages that wait for the broker.", service.waiting),
        ("last_poll_ok_seconds", "Time of the last good poll.", _unix(service.last_poll_ok)),
        ("next_poll_seconds", "Time of the next poll.", _unix(service.next_poll)),
        ("poll_failures", "Polls that failed in a row.", service.consecutive_failures),
        ("throttled_until_seconds", "End of a pause.", _unix(service.throttled_until)),
        ("requests_last_hour", "Requests to Graph in an hour.", service.requests_last_hour),
    ):
        yield f"presence_bridge_{name}", text, [({}, value)]


def _accounts(snapshot: Snapshot) -> Iterator[Family]:
    counts = Counter(person.kind for person in snapshot.people)
    sums: Samples = [({"kind": kind.value}, counts[kind]) for kind in Kind]
    yield "presence_people", "People, by the kind of their presence.", sums
    people = snapshot.people if len(snapshot.people) <= EACH_MOST else ()
    fresh: Samples = [({"account": each.account}, each.fresh) for each in people]
    yield "presence_account_fresh", "Whether the presence is current.", fresh
    signed_in: Samples = [
        ({"account": each.account}, each.sign_in.state is SignInState.SIGNED_IN) for each in people
    ]
    yield "presence_account_signed_in", "Whether the account is signed in.", signed_in
    kinds: Samples = [
        ({"account": each.account, "kind": kind.value}, kind is each.kind)
        for each in people
        for kind in Kind
    ]
    yield "presence_account_presence", "1 for the kind of presence that holds.", kinds


def _lights(snapshot: Snapshot) -> Family:
    answer = [({"light": each.name}, each.online and each.reachable) for each in snapshot.lights]
    return "presence_light_reachable", "Whether driver and light answer.", answer


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
