import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.config.tables.config import PollingSettings
from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.errors import (
    AccessRefusedError,
    SignInNeededError,
    SourceDataError,
    SourceUnavailableError,
)
from bridge.contract.presence import Activity, Availability, Presence
from bridge.polling import Poller, fold
from tests.fakes.clock import ManualClock
from tests.fakes.source import SIGNED_IN, FakeSource
from tests.fakes.tasks import during

FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE, sequence_number="A1")
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL, sequence_number="A2")


class Bench:
    """A poller over a fake source, and what it reported."""

    def __init__(self, answer: Presence | Exception | None) -> None:
        self.clock = ManualClock()
        self.source = FakeSource(answer)
        self.told: list[AccountFacts] = []
        self.turns: list[str | None] = []
        """The problem, each time that it may be another."""
        self.poller = Poller(
            self.source,
            settings=PollingSettings(),
            reports=[self.told.append],
            turned=lambda: self.turns.append(self.poller.status.problem),
            clock=self.clock,
            random=lambda: 0.5,
        )

    @property
    def last(self) -> AccountFacts:
        return self.told[-1]

    def is_fresh(self) -> bool:
        return self.last.fresh


@asynccontextmanager
async def polling(answer: Presence | Exception | None) -> AsyncIterator[Bench]:
    bench = Bench(answer)
    async with during(bench.poller.run()):
        await bench.clock.advance(0)
        yield bench


async def test_a_good_poll_is_published_as_fresh_facts() -> None:
    async with polling(FREE) as bench:
        assert bench.last.presence == FREE
        assert bench.last.fresh
        assert bench.last.polled_at == bench.last.changed_at == bench.clock.now()
        assert bench.last.valid_until == bench.clock.now() + timedelta(seconds=300)


async def test_a_change_is_found_and_an_unchanged_poll_keeps_the_time_of_change() -> None:
    async with polling(FREE) as bench:
        first = bench.last.changed_at
        await bench.clock.advance(31)
        assert bench.last.changed_at == first
        assert bench.last.polled_at != first
        bench.source.answer = CALL
        await bench.clock.advance(31)
        assert bench.last.presence == CALL
        assert bench.last.changed_at != first


async def test_an_older_answer_is_dropped() -> None:
    async with polling(CALL) as bench:
        polled_at = bench.last.polled_at
        bench.source.answer = FREE
        await bench.clock.advance(15)
        assert (bench.last.presence, bench.last.polled_at) == (CALL, polled_at)


@pytest.mark.parametrize("ended", [False, True])
async def test_an_answer_about_somebody_else_is_older_than_nothing(*, ended: bool) -> None:
    async with polling(CALL) as bench:
        bench.source.sign_in.set(replace(SIGNED_IN, signed_in_as="alice@contoso.com"))
        await bench.clock.advance(0)
        if ended:
            bench.source.sign_in.set(SignIn(SignInState.EXPIRED))
            await bench.clock.advance(0)
        bench.source.answer = FREE
        bench.source.sign_in.set(replace(SIGNED_IN, signed_in_as="bob@contoso.com"))
        await bench.clock.advance(0)
        assert bench.last.presence == FREE


async def test_a_status_message_vanishes_at_its_end_also_while_a_read_hangs() -> None:
    async with polling(FREE) as bench:
        ends = bench.clock.now() + timedelta(seconds=60)
        bench.source.answer = replace(FREE, status_message="lunch", status_message_until=ends)
        bench.poller.poll_now()
        await bench.clock.advance(0)
        bench.source.answer = None
        await bench.clock.advance((ends - bench.clock.now()).total_seconds() - 0.5)
        assert bench.last.presence is not None
        assert bench.last.presence.status_message == "lunch"
        await bench.clock.advance(0.5)
        assert bench.last.presence == FREE


async def test_answers_whose_count_restarts_are_taken_with_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with polling(CALL) as bench:
        bench.source.answer = FREE
        await bench.clock.advance(300)
        assert bench.last.presence == FREE
        assert bench.last.fresh
    assert caplog.text.count("alice: Microsoft numbers its answers") == 1


async def test_no_request_is_made_while_microsoft_asked_to_wait() -> None:
    async with polling(FREE) as bench:
        bench.source.answer = SourceUnavailableError("wait", retry_after_s=120)
        bench.poller.poll_now()
        await bench.clock.advance(0)
        reads = bench.source.reads
        bench.source.answer = FREE
        await bench.clock.advance(119.9)
        assert bench.source.reads == reads
        await bench.clock.advance(0.2)
        assert bench.source.reads == reads + 1


@pytest.mark.parametrize("asked_s", [120, 86_400])
async def test_the_log_says_until_when_microsoft_wants_silence_and_that_is_an_hour_at_the_most(
    caplog: pytest.LogCaptureFixture, asked_s: float
) -> None:
    async with polling(SourceUnavailableError("asks us to wait", retry_after_s=asked_s)) as bench:
        lasts_s = min(asked_s, 3600)
        until = (bench.clock.now() + timedelta(seconds=lasts_s)).astimezone()
        assert f"asks us to wait, until {until:%H:%M:%S}" in caplog.text
        bench.source.answer = FREE
        await bench.clock.advance(lasts_s)
        assert bench.last.fresh


@pytest.mark.parametrize("answer", [SourceUnavailableError("down"), SourceDataError("x"), None])
async def test_presence_grows_stale_to_the_second_while_reads_fail_or_hang(
    answer: Exception | None,
) -> None:
    async with polling(FREE) as bench:
        bench.source.answer = answer
        valid_until = bench.last.valid_until
        assert valid_until is not None
        while bench.last.fresh and bench.clock.now() < valid_until + timedelta(seconds=60):
            await bench.clock.advance(1)
        assert not bench.last.fresh
        assert valid_until <= bench.clock.now() <= valid_until + timedelta(seconds=1)
        assert bench.last.presence == FREE


async def test_what_is_lost_and_what_is_back_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    async with polling(FREE) as bench:
        bench.source.answer = SourceUnavailableError("Microsoft Graph cannot be reached")
        await bench.clock.advance(900)
        bench.source.answer = FREE
        await bench.clock.advance(400)
    assert caplog.text.count("cannot be reached") == 1
    assert caplog.text.count("presence is back") == 1


async def test_a_first_start_shows_the_sign_in_and_polls_when_it_worked() -> None:
    async with polling(SignInNeededError("nobody", remedy="Sign in.")) as bench:
        bench.source.sign_in.set(SignIn(SignInState.CODE_PENDING, user_code="ABC"))
        await bench.clock.advance(2000)
        assert bench.last.sign_in.user_code == "ABC"
        assert not bench.last.fresh
        bench.source.answer = FREE
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.advance(0)
        assert bench.last.fresh


async def test_signed_out_is_not_fresh_at_once() -> None:
    async with polling(FREE) as bench:
        bench.source.sign_in.set(SignIn(SignInState.EXPIRED))
        await bench.clock.advance(0)
        assert not bench.last.fresh


async def test_refused_access_is_shown_with_its_remedy_and_tried_rarely() -> None:
    async with polling(AccessRefusedError("no licence.", remedy="Ask for one.")) as bench:
        await bench.clock.advance(6)
        assert bench.last.sign_in.state is SignInState.ERROR
        assert bench.last.sign_in.remedy == "Ask for one."
        await bench.clock.advance(600)
        reads = bench.source.reads
        await bench.clock.advance(600)
        assert bench.source.reads <= reads + 2


async def test_a_code_is_shown_while_access_is_refused() -> None:
    async with polling(AccessRefusedError("no licence.", remedy="Ask for one.")) as bench:
        await bench.clock.advance(6)
        waiting = SignIn(SignInState.SIGNED_IN, user_code="ABC", verification_uri="https://m/d")
        bench.source.sign_in.set(waiting)
        await bench.clock.settle()
        shown = bench.last.sign_in
        assert (shown.state, shown.user_code) == (SignInState.ERROR, "ABC")
        assert (shown.remedy, shown.waits) == ("Ask for one.", True)
        bench.source.answer = FREE
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.settle()
        assert bench.last.sign_in == SIGNED_IN


@pytest.mark.parametrize("state", [SignInState.SIGNED_OUT, SignInState.EXPIRED])
async def test_who_is_not_signed_in_any_more_is_not_reported_as_refused(state: SignInState) -> None:
    async with polling(AccessRefusedError("no licence.", remedy="Ask for one.")) as bench:
        await bench.clock.advance(6)
        assert bench.last.sign_in.state is SignInState.ERROR
        bench.source.sign_in.set(SignIn(state))
        await bench.clock.settle()
        assert bench.last.sign_in.state is state


async def test_one_single_refusal_is_retried_before_anybody_sees_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with polling(FREE) as bench:
        bench.source.answer = AccessRefusedError("no licence.", remedy="Ask for one.")
        bench.poller.poll_now()
        await bench.clock.advance(4)
        bench.source.answer = FREE
        polled_at = bench.last.polled_at
        await bench.clock.advance(2)
        assert bench.last.polled_at != polled_at
        assert all(facts.fresh for facts in bench.told)
        assert bench.poller.status.problem is None
    assert "no licence" not in caplog.text


async def test_a_refusal_of_a_minute_costs_less_than_another_one() -> None:
    async with polling(AccessRefusedError("no licence.", remedy="Ask for one.")) as bench:
        await bench.clock.advance(60)
        bench.source.answer = FREE
        await bench.clock.advance(60)
        assert bench.is_fresh()


@pytest.mark.parametrize(
    "answer", [SourceUnavailableError("name not found", reached=False), SourceUnavailableError("5")]
)
async def test_presence_is_back_within_the_slowest_pace_after_five_minutes_of_trouble(
    answer: Exception,
) -> None:
    async with polling(FREE) as bench:
        bench.source.answer = answer
        await bench.clock.advance(300)
        reads = bench.source.reads
        bench.source.answer = FREE
        await bench.clock.advance(30)
        assert bench.source.reads > reads
        assert bench.is_fresh()


async def test_no_network_is_tried_quickly_at_first() -> None:
    async with polling(SourceUnavailableError("name not found", reached=False)) as bench:
        await bench.clock.advance(10)
        assert bench.source.reads >= 4


async def test_a_bug_is_reported_and_does_not_end_the_polling(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with polling(FREE) as bench:
        bench.source.answer = ZeroDivisionError("a bug")
        bench.poller.poll_now()
        await bench.clock.advance(0)
        assert bench.is_fresh(), "what was read is still true"
        assert bench.last.sign_in.state.value == "signed_in"
        assert bench.last.sign_in.message == "Internal error, started again."
        assert fold({"alice": bench.poller.status}).reason == (
            "Alice: Internal error, started again. Please report it with the log."
        )
        await bench.clock.advance(400)
        assert not bench.is_fresh()
        assert bench.last.sign_in.state is SignInState.ERROR
        bench.source.answer = FREE
        await bench.clock.advance(301)
        assert bench.is_fresh()
        assert bench.last.sign_in.message == "Internal error, started again.", "not lost at once"
        health = fold({"alice": bench.poller.status})
        assert health.healthy
        assert health.internal_errors > 1
        await bench.clock.advance(3600)
        assert bench.last.sign_in == SIGNED_IN
    assert caplog.text.count("Traceback") == 1
    assert "ZeroDivisionError: a bug" in caplog.text


async def test_a_bug_about_one_person_keeps_nothing_from_the_others() -> None:
    told: list[str] = []

    def report(facts: AccountFacts) -> None:
        if facts.account == "alice":
            raise KeyError(facts.account)
        told.append(facts.account)

    clock, source = ManualClock(), FakeSource(FREE)
    source.accounts = {"alice": "Alice", "bob": "Bob"}
    poller = Poller(source, settings=PollingSettings(), reports=[report], clock=clock)
    async with during(poller.run()) as task:
        await clock.advance(30)
        assert not task.done()
        assert told


async def test_nothing_is_published_before_the_first_read_ended() -> None:
    async with polling(None) as bench:
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.advance(20)
        assert bench.told == []
        bench.source.sign_in.set(SignIn(SignInState.CODE_PENDING, user_code="ABC"))
        await bench.clock.advance(0)
        assert bench.last.sign_in.user_code == "ABC", "news for a person do not wait"


async def test_a_first_read_that_fails_is_reported() -> None:
    async with polling(SourceUnavailableError("down")) as bench:
        assert (bench.last.presence, bench.last.fresh) == (None, False)


async def test_a_code_that_waits_beside_a_sign_in_changes_nothing_and_its_use_is_noticed() -> None:
    async with polling(FREE) as bench:
        waiting = SignIn(SignInState.SIGNED_IN, user_code="ABC", verification_uri="https://x")
        bench.source.sign_in.set(waiting)
        await bench.clock.advance(60)
        assert bench.is_fresh()
        assert bench.last.sign_in == waiting
        bench.source.answer = AccessRefusedError("no licence.", remedy="Sign in again.")
        await bench.clock.advance(100)
        assert not bench.is_fresh()
        bench.source.answer = FREE
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.advance(0)
        assert bench.is_fresh()


async def test_a_source_that_says_signed_in_and_sign_in_needed_makes_no_busy_loop() -> None:
    async with polling(SignInNeededError("nobody", remedy="Sign in.")) as bench:
        await bench.clock.advance(600)
        assert bench.source.reads < 10


async def test_a_missing_sign_in_is_no_failed_read() -> None:
    async with polling(SourceUnavailableError("down")) as bench:
        await bench.clock.advance(30)
        assert bench.poller.status.consecutive_failures > 1
        bench.source.sign_in.set(SignIn())
        bench.source.answer = SignInNeededError("Nobody is signed in.", remedy="Sign in.")
        bench.poller.poll_now()
        await bench.clock.advance(0)
        status = bench.poller.status
        assert (status.consecutive_failures, status.needs_sign_in) == (0, True)
        assert status.problem == "Nobody is signed in. Sign in."
        bench.source.answer = FREE
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.advance(0)
        status = bench.poller.status
        assert (status.consecutive_failures, status.needs_sign_in) == (0, False)
        assert status.problem is None


async def test_a_request_to_poll_is_followed_at_once() -> None:
    async with polling(FREE) as bench:
        reads = bench.source.reads
        bench.poller.poll_now()
        await bench.clock.advance(0)
        assert bench.source.reads == reads + 1


async def test_after_the_machine_slept_it_polls_at_once() -> None:
    async with polling(SourceUnavailableError("wait", retry_after_s=3000)) as bench:
        bench.source.answer = FREE
        bench.clock.jump_wall(3600)
        await bench.clock.advance(31)
        assert bench.last.presence == FREE


async def test_health_says_the_first_problem_and_the_worst_numbers() -> None:
    async with polling(FREE) as bench:
        good = bench.poller.status
        bench.source.answer = SourceUnavailableError("Microsoft Graph cannot be reached")
        await bench.clock.advance(120)
        bad = bench.poller.status
    health = fold({"bob": good, "alice": bad})
    assert not health.healthy
    assert health.reason == "Alice: Microsoft Graph cannot be reached"
    assert health.consecutive_failures == bad.consecutive_failures > 1
    assert fold({"bob": good}).healthy


async def test_a_cancellation_is_honoured_also_in_the_middle_of_another_turn() -> None:
    for turns in range(12):
        bench = Bench(FREE)
        task = asyncio.create_task(bench.poller.run())
        await bench.clock.advance(0)
        bench.poller.report_soon()
        bench.poller.poll_now()
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done, f"it hangs after {turns} turns"


@pytest.mark.parametrize(
    "state", [SignInState.SIGNED_OUT, SignInState.EXPIRED, SignInState.CODE_PENDING]
)
async def test_that_a_sign_in_is_needed_is_said_at_once_and_is_no_failure(
    state: SignInState,
) -> None:
    async with polling(FREE) as bench:
        assert fold({"alice": bench.poller.status}).healthy
        bench.source.answer = SignInNeededError("It ended.", remedy="Sign in.")
        bench.source.sign_in.set(SignIn(state))
        await bench.clock.settle()
        health = fold({"alice": bench.poller.status})
        assert (health.healthy, health.sign_in_needed) == (False, ("alice",))
        assert health.reason == "Alice: sign-in needed. Nobody is signed in."
        assert bench.turns, "whoever shows it has heard of it"
        await bench.clock.advance(400)
        health = fold({"alice": bench.poller.status})
        assert health.reason == "Alice: sign-in needed. It ended. Sign in."
        assert health.consecutive_failures == 0
        bench.source.answer = FREE
        bench.source.sign_in.set(SIGNED_IN)
        await bench.clock.settle()
        assert fold({"alice": bench.poller.status}).healthy


async def test_before_the_first_read_nobody_says_that_a_sign_in_is_needed() -> None:
    async with polling(None) as bench:
        bench.source.sign_in.set(SignIn())
        await bench.clock.settle()
        assert fold({"alice": bench.poller.status}).healthy


async def test_what_is_wrong_and_that_it_is_over_is_said_at_once() -> None:
    async with polling(SourceUnavailableError("Graph cannot be reached", reached=False)) as bench:
        assert set(bench.turns) == {"Graph cannot be reached"}
        bench.turns.clear()
        bench.source.answer = FREE
        await bench.clock.advance(60)
        assert fold({"alice": bench.poller.status}).healthy
        assert bench.turns
