"""The numbers of the page for Prometheus. Never counts anything itself: all is in the snapshot.

prometheus-client is loaded with the first scrape: most homes never have one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.contract.account import SignInState
from bridge.contract.presence_kind import Kind
from bridge.web.data.snapshot import Snapshot

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

EACH_MOST = 500
"""With more people than this only their sums are told: Prometheus wants few series, not many."""

Sample = tuple[dict[str, str], float | None]


def metrics(snapshot: Snapshot) -> bytes:
    """All metrics in the text format 0.0.4; one whose value is not known yet is left out."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - as said above

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Numbers(snapshot))
    return generate_latest(registry)


class _Numbers:
    """A collector over one snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        snapshot = self._snapshot
        version = snapshot.service.version
        yield _gauge("presence_bridge_info", "The version.", [({"version": version}, 1)])
        yield from _bridge(snapshot)
        yield from _accounts(snapshot)
        lights = [
            ({"light": each.name}, each.online and each.reachable) for each in snapshot.lights
        ]
        yield _gauge("presence_light_reachable", "Whether driver and light answer.", lights)


def _bridge(snapshot: Snapshot) -> Iterator[Metric]:
    service = snapshot.service
    yield _counter("broker_reconnects", "Reconnects to the broker.", service.reconnects)
    for name, text, value in (
        ("start_time_seconds", "Start of the bridge.", _unix(service.started)),
        ("healthy", "Whether reading works.", service.healthy),
        ("broker_connected", "Whether the broker is connected.", service.broker_connected),
        ("broker_queue", "Messages that wait for the broker.", service.waiting),
        ("last_poll_ok_seconds", "Time of the last good poll.", _unix(service.last_poll_ok)),
        ("next_poll_seconds", "Time of the next poll.", _unix(service.next_poll)),
        ("poll_failures", "Polls that failed in a row.", service.consecutive_failures),
        ("throttled_until_seconds", "End of a pause.", _unix(service.throttled_until)),
        ("requests_last_hour", "Requests to Graph in an hour.", service.requests_last_hour),
    ):
        yield _gauge(f"presence_bridge_{name}", text, [({}, value)])


def _accounts(snapshot: Snapshot) -> Iterator[Metric]:
    counts = Counter(person.kind for person in snapshot.people)
    sums: list[Sample] = [({"kind": kind.value}, counts[kind]) for kind in Kind]
    yield _gauge("presence_people", "People, by the kind of their presence.", sums)
    people = snapshot.people if len(snapshot.people) <= EACH_MOST else ()
    fresh: list[Sample] = [({"account": each.account}, each.fresh) for each in people]
    yield _gauge("presence_account_fresh", "Whether the presence is current.", fresh)
    signed_in: list[Sample] = [
        ({"account": each.account}, each.sign_in.state is SignInState.SIGNED_IN) for each in people
    ]
    yield _gauge("presence_account_signed_in", "Whether the account is signed in.", signed_in)
    kinds: list[Sample] = [
        ({"account": each.account, "kind": kind.value}, kind is each.kind)
        for each in people
        for kind in Kind
    ]
    yield _gauge("presence_account_presence", "1 for the kind of presence that holds.", kinds)


def _gauge(name: str, text: str, samples: Iterable[Sample]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - as above

    family = GaugeMetricFamily(name, text)
    for labels, value in samples:
        if value is not None:
            family.add_sample(name, labels, value)
    return family


def _counter(name: str, text: str, value: float) -> Metric:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - as above

    return CounterMetricFamily(f"presence_bridge_{name}", text, value=value)


def _unix(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None
