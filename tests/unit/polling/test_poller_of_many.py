"""A poller over a source whose accounts come and go."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from bridge.config.tables.config import PollingSettings
from bridge.contract.presence import Activity, Availability, Part, Presence
from bridge.polling import Poller
from bridge.polling.failed_read import deadline_s
from tests.fakes.clock import ManualClock
from tests.fakes.source import FakeSource
from tests.fakes.tasks import during

FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE)


class Crowd(FakeSource):
    """Everybody in ``present`` is free."""

    def __init__(self) -> None:
        super().__init__(FREE)
        self.present = ["alice"]

    async def read(self, _: Part = lambda _: None) -> Mapping[str, Presence]:
        await super().read()
        if list(self.accounts) != self.present:
            self.accounts = {slug: slug.title() for slug in self.present}
        return dict.fromkeys(self.present, FREE)


class Bench:
    """What was announced and reported, in its order."""

    def __init__(self) -> None:
        self.clock, self.source = ManualClock(), Crowd()
        self.events: list[str] = []
        self.poller = Poller(
            self.source,
            settings=PollingSettings(),
            reports=[lambda facts: self.events.append(facts.account)],
            announce=lambda: self.events.append(f"announce {','.join(self.source.accounts)}"),
            clock=self.clock,
            random=lambda: 0.5,
        )


@asynccontextmanager
async def polling() -> AsyncIterator[Bench]:
    bench = Bench()
    async with during(bench.poller.run()):
        await bench.clock.advance(0)
        yield bench


async def test_those_who_come_are_announced_before_their_facts_are_published() -> None:
    async with polling() as bench:
        assert bench.events[-1] == "alice"
        assert not any(event.startswith("announce") for event in bench.events)
        bench.events.clear()
        bench.source.present = ["bob", "cat"]
        await bench.clock.advance(6)
        assert bench.events[:3] == ["announce bob,cat", "bob", "cat"]
        assert "alice" not in bench.events


async def test_a_read_of_many_requests_leaves_half_of_the_budget_to_others() -> None:
    async with polling() as bench:
        bench.source.calls = 500
        await bench.clock.advance(6)
        pace = bench.poller.status.pace
        assert pace is not None
        assert (pace.delay_s, pace.why) == (20, "a fair share of the requests")


async def test_a_read_of_many_has_more_time() -> None:
    async with polling() as bench:
        bench.source.present = [f"p{number}" for number in range(10_000)]
        await bench.clock.advance(6)
        bench.source.answer = None
        bench.poller.poll_now()
        await bench.clock.advance(0)
        assert deadline_s(len(bench.source.accounts)) == 40


def test_a_first_read_waits_until_the_members_have_come_page_by_page() -> None:
    pages_of_100_000, seconds_a_page = 101, 2
    assert deadline_s(0) > pages_of_100_000 * seconds_a_page
