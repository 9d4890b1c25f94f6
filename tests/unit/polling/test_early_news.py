"""A read of several requests: who changed is reported with the answer that says so."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.config.tables.config import PollingSettings
from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.presence import Activity, Availability, Part, Presence
from bridge.polling import Poller
from bridge.polling.freshness import STALE_AFTER_S
from bridge.polling.read_order import OLDER_MOST
from tests.fakes.clock import ManualClock
from tests.fakes.source import FakeSource
from tests.fakes.tasks import during

FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE, sequence_number="A1")
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL, sequence_number="A2")
BACK = replace(FREE, sequence_number="A3")
ANN = SignIn(SignInState.SIGNED_IN, signed_in_as="ann@contoso.com")
BEN = SignIn(SignInState.SIGNED_IN, signed_in_as="ben@contoso.com")


class Halting(FakeSource):
    """Its reads go on, once ``halts``, until ``end``; meanwhile ``part`` gives parts of them."""

    def __init__(self) -> None:
        super().__init__(FREE)
        self.accounts = {"ann": "Ann", "ben": "Ben"}
        self.sign_in.set(ANN)
        self.answers: dict[str, Presence] = dict.fromkeys(self.accounts, FREE)
        self.halts = False
        self._part: Part | None = None
        self._ended: asyncio.Future[None] | None = None

    async def read(self, part: Part = lambda _: None) -> Mapping[str, Presence]:
        self.reads += 1
        if self.halts:
            self._part, self._ended = part, asyncio.get_running_loop().create_future()
            await self._ended
        return self.answers

    def part(self, slug: str, presence: Presence) -> None:
        """The answer about ``slug`` is there."""
        assert self._part
        self.answers = self.answers | {slug: presence}
        self._part({slug: presence})

    def end(self, error: Exception | None = None) -> None:
        """The read ends, well or not."""
        assert self._ended
        if error:
            self._ended.set_exception(error)
        else:
            self._ended.set_result(None)


class Bench:
    """A poller that is in the midst of a read."""

    def __init__(self) -> None:
        self.clock, self.source = ManualClock(), Halting()
        self.reported: list[AccountFacts] = []
        self.fails_for: set[str] = set()
        """With the next report about them."""
        self.announced: list[list[str]] = []
        self.poller = Poller(
            self.source,
            settings=PollingSettings(),
            reports=[self._report],
            announce=lambda: self.announced.append(list(self.source.accounts)),
            clock=self.clock,
            random=lambda: 0.5,
        )

    def _report(self, facts: AccountFacts) -> None:
        if facts.account in self.fails_for:
            self.fails_for.remove(facts.account)
            raise ZeroDivisionError
        self.reported.append(facts)

    async def begin_read(self) -> None:
        self.source.halts = True
        self.poller.poll_now()
        await self.clock.advance(1)
        self.reported.clear()

    async def part(self, slug: str, presence: Presence) -> list[AccountFacts]:
        """What is reported when the answer about ``slug`` is there."""
        self.reported.clear()
        self.source.part(slug, presence)
        await self.clock.settle()
        return list(self.reported)

    async def end(self, error: Exception | None = None) -> list[AccountFacts]:
        """What is reported when the read ends."""
        self.reported.clear()
        self.source.end(error)
        await self.clock.settle()
        return list(self.reported)


@asynccontextmanager
async def reading() -> AsyncIterator[Bench]:
    bench = Bench()
    async with during(bench.poller.run()):
        await bench.clock.advance(0)
        await bench.begin_read()
        yield bench


async def test_a_change_is_reported_before_the_read_has_ended() -> None:
    async with reading() as bench:
        before = bench.poller.status
        assert await bench.part("ben", FREE) == [], "who did not change is no news"
        (early,) = await bench.part("ann", CALL)
        assert (early.account, early.presence, early.fresh) == ("ann", CALL, True)
        assert early.changed_at == early.polled_at == bench.clock.now()
        assert bench.poller.status == before, "all else comes with the whole read"
        await bench.clock.advance(1)
        (ben, ann) = sorted(await bench.end(), key=lambda facts: facts.account, reverse=True)
        assert (ann.presence, ann.changed_at) == (CALL, early.changed_at)
        assert ann.polled_at == ben.polled_at == bench.clock.now()


async def test_a_part_makes_nobody_current_for_longer() -> None:
    async with reading() as bench:
        (early,) = await bench.part("ann", CALL)
        await bench.end(SourceUnavailableError("no"))
        await bench.begin_read()
        assert early.valid_until is not None
        left_s = (early.valid_until - bench.clock.now()).total_seconds()
        assert left_s < STALE_AFTER_S
        await bench.clock.advance(left_s)
        last = {facts.account: facts for facts in bench.reported}
        assert (last["ann"].presence, last["ann"].fresh) == (CALL, False)
        assert last["ann"].polled_at == early.polled_at, "it never goes back"
        assert not last["ben"].fresh


async def test_what_a_read_said_before_it_failed_stays_true() -> None:
    async with reading() as bench:
        await bench.part("ann", CALL)
        await bench.end(SourceUnavailableError("no"))
        assert bench.poller.status.problem
        await bench.begin_read()
        assert await bench.part("ann", BACK) == [], "after a failure the whole read counts"
        ended = {facts.account: facts for facts in await bench.end()}
        assert (ended["ann"].presence, ended["ann"].fresh) == (BACK, True)


async def test_an_older_answer_of_a_part_waits_for_the_whole_and_counts_once() -> None:
    async with reading() as bench:
        await bench.part("ann", CALL)
        await bench.end()
        for number in range(1, OLDER_MOST + 1):
            await bench.begin_read()
            assert await bench.part("ann", FREE) == []
            ended = {facts.account: facts for facts in await bench.end()}
            taken = bool(ended.get("ann") and ended["ann"].presence == FREE)
            assert taken is (number == OLDER_MOST), "the new line is taken by a whole read"


async def test_who_was_not_current_is_so_with_the_whole_read_only() -> None:
    bench = Bench()
    bench.source.halts = True
    async with during(bench.poller.run()):
        await bench.clock.advance(0)
        assert await bench.part("ann", CALL) == []
        ended = await bench.end()
        assert {facts.account: facts.fresh for facts in ended} == {"ann": True, "ben": True}


async def test_who_was_missing_is_back_with_the_whole_read_only() -> None:
    async with reading() as bench:
        bench.source.answers = {"ben": FREE}
        await bench.end()
        await bench.begin_read()
        assert await bench.part("ann", CALL) == []
        ended = {facts.account: facts for facts in await bench.end()}
        assert ended["ann"].presence == CALL


async def test_who_is_new_or_gone_is_announced_with_the_whole_read() -> None:
    async with reading() as bench:
        bench.source.accounts = {"ann": "Ann", "cat": "Cat"}
        assert await bench.part("cat", FREE) == []
        (early,) = await bench.part("ann", CALL)
        assert (early.account, bench.announced) == ("ann", [])
        await bench.end()
        assert bench.announced == [["ann", "cat"]]
        assert {facts.account for facts in bench.reported} == {"ann", "cat"}


@pytest.mark.parametrize("state", [SignInState.SIGNED_OUT, SignInState.ERROR])
async def test_without_a_sign_in_no_part_is_shown(state: SignInState) -> None:
    async with reading() as bench:
        bench.source.sign_in.set(SignIn(state))
        await bench.clock.settle()
        assert await bench.part("ann", CALL) == []


async def test_answers_to_who_was_signed_in_before_count_for_nothing() -> None:
    async with reading() as bench:
        reads, polled_at = bench.source.reads, bench.poller.status.last_poll_ok
        bench.source.sign_in.set(BEN)
        await bench.clock.settle()
        assert await bench.part("ann", CALL) == []
        ended = await bench.end()
        assert all(facts.presence and facts.presence.availability != "busy" for facts in ended)
        assert bench.poller.status.last_poll_ok == polled_at
        assert bench.source.reads == reads + 1, "it is read again at once"
        assert [facts.presence for facts in await bench.part("ann", CALL)] == [CALL]


async def test_what_people_wrote_is_hidden_in_parts_too() -> None:
    async with reading() as bench:
        bench.poller.show_messages(shown=False)
        await bench.clock.settle()
        (early,) = await bench.part("ann", replace(CALL, status_message="in the lab"))
        assert early.presence == CALL
        await bench.end()
        assert all(facts.presence in (CALL, FREE) for facts in bench.reported)


async def test_a_message_of_a_part_ends_in_time_though_the_read_goes_on() -> None:
    async with reading() as bench:
        until = bench.clock.now() + timedelta(seconds=3)
        says = replace(CALL, status_message="back at nine", status_message_until=until)
        await bench.part("ann", says)
        await bench.clock.advance(3)
        assert bench.reported[-1].presence == CALL


async def test_a_bug_about_one_person_of_a_part_does_not_end_the_read() -> None:
    async with reading() as bench:
        bench.fails_for = {"ann"}
        await bench.part("ann", CALL)
        bench.source.part("ben", CALL)
        ended = {facts.account: facts for facts in await bench.end()}
        assert ended["ben"].presence == CALL
        assert bench.poller.status.last_poll_ok == bench.clock.now()


async def test_a_read_that_is_cancelled_reports_nothing_more() -> None:
    bench = Bench()
    async with during(bench.poller.run()):
        await bench.clock.advance(0)
        await bench.begin_read()
    assert await bench.part("ann", CALL) == []
