"""Each worker of ``scripts/test`` begins with its share of the long tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from xdist.scheduler.worksteal import WorkStealingScheduling

from tests.conftest import long_ones_first


@dataclass(frozen=True)
class Item:
    number: int
    is_long: bool

    def get_closest_marker(self, name: str) -> str | None:
        return name if self.is_long and name == "long" else None


@dataclass(eq=False)
class Node:
    """A worker, which is sent the places of its tests."""

    sent: list[int]
    shutting_down: bool = False

    def send_runtest_some(self, places: list[int]) -> None:
        self.sent += places


def parts(items: list[Item], workers: int) -> list[list[Item]]:
    """What each worker is sent at first, by xdist itself."""
    scheduling = WorkStealingScheduling.__new__(WorkStealingScheduling)
    nodes = [Node([]) for _ in range(workers)]
    scheduling.node2pending = cast(Any, {node: [] for node in nodes})
    scheduling.pending = list(range(len(items)))
    scheduling.steal_requested_from_node = None
    scheduling.check_schedule()
    return [[items[place] for place in node.sent] for node in nodes]


@pytest.mark.parametrize("workers", [1, 4, 6, 7])
@pytest.mark.parametrize("count", [14, 100, 5_754])
def test_each_worker_begins_with_its_share_of_the_long_ones(workers: int, count: int) -> None:
    items = [Item(number, is_long=number >= count - 13) for number in range(count)]
    ordered = cast(Any, long_ones_first)(items, workers)
    assert sorted(item.number for item in ordered) == list(range(count))
    shares = [[item.is_long for item in part] for part in parts(ordered, workers)]
    for share in shares if count > 14 else ():
        assert share == sorted(share, reverse=True)
        assert sum(share) in (13 // workers, -(-13 // workers))
