import asyncio
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.contract.errors import SourceUnavailableError
from bridge.contract.latest import Latest
from bridge.microsoft.people.directory import Member, Memory
from bridge.microsoft.people.members import Members
from tests.fakes.clock import ManualClock
from tests.fakes.source import SIGNED_IN


@pytest.mark.parametrize(("reached", "longest_s"), [(False, 30), (True, 300)])
async def test_without_network_people_are_looked_up_soon_afterwards(
    tmp_path: Path,
    reached: bool,  # noqa: FBT001 - a case
    longest_s: float,
) -> None:
    clock, looks = ManualClock(), list[float]()

    async def find(_: Sequence[Member]) -> tuple[Member, ...]:
        looks.append(clock.monotonic())
        raise SourceUnavailableError("Microsoft cannot be reached", reached=reached)

    members = Members(
        "staff",
        find,
        memory=Memory(tmp_path / "staff.json", "staff"),
        sign_in=Latest(SIGNED_IN),
        clock=clock,
        random=lambda: 1.0,
    )
    running = asyncio.create_task(members.run())
    await clock.advance(2000)
    assert max(later - earlier for earlier, later in pairwise(looks)) == longest_s
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
