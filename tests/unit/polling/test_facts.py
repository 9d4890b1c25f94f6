from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import (
    Activity,
    Availability,
    Presence,
    WorkLocation,
    WorkLocationSource,
)
from bridge.polling.facts import ROUND_S, SLICE, Facts

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
IN = SignIn(SignInState.SIGNED_IN)
FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE)
BUSY = Presence(Availability.BUSY, Activity.BUSY)
MANY = {f"p{number}": f"P{number}" for number in range(1000)}


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


class Bench:
    """Known accounts, polled and told as a poller does."""

    def __init__(self, accounts: dict[str, str]) -> None:
        self.facts = Facts()
        self.facts.follow(accounts)
        self.answer = dict.fromkeys(accounts, FREE)

    def poll(self, seconds: float, *, lasts_s: float = 300) -> list[AccountFacts]:
        self.facts.take(self.answer, at(seconds))
        self.facts.freshness.valid_until = at(seconds + lasts_s)
        return self.tell(seconds)

    def tell(self, seconds: float, sign_in: SignIn = IN) -> list[AccountFacts]:
        return list(self.facts.news(at(seconds), sign_in))


def test_everybody_is_published_first_and_then_who_changed_and_a_slice_of_the_others() -> None:
    bench = Bench(MANY)
    assert len(bench.poll(0)) == 1000
    bench.answer["p500"] = BUSY
    told = bench.poll(0.1)
    assert told[0].account == "p500"
    assert told[0].changed_at == at(0.1)
    assert len(told) == 1 + SLICE


def test_what_is_published_follows_what_changed_and_not_how_many_there_are() -> None:
    bench = Bench({f"p{number}": "P" for number in range(20_000)})
    bench.poll(0)
    assert len(bench.poll(0.01)) == SLICE


def test_everybody_is_republished_within_a_round() -> None:
    bench = Bench(MANY)
    bench.poll(0)
    told: set[str] = set()
    for second in range(5, int(ROUND_S) + 1, 5):
        facts = bench.poll(second)
        assert len(facts) <= 1000 * 5 / ROUND_S + 1
        assert all(f.polled_at == at(second) for f in facts)
        told |= {f.account for f in facts}
    assert len(told) == 1000


def test_few_are_all_published_at_each_poll_and_nobody_twice_with_the_same() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    assert len(bench.poll(0)) == 2
    assert len(bench.poll(5)) == 2
    assert bench.tell(5) == []


def test_who_is_missing_keeps_the_times_of_the_last_poll_and_ends_alone() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    bench.poll(0, lasts_s=30)
    del bench.answer["bob"]
    for second in (10, 20):
        by_name = {f.account: f for f in bench.poll(second, lasts_s=30)}
        assert by_name["alice"].polled_at == at(second)
        assert "bob" not in by_name
    assert bench.facts.next_end(at(20)) == at(30)
    told = {f.account: f.fresh for f in bench.poll(30, lasts_s=30)}
    assert told == {"alice": True, "bob": False}
    assert bench.facts.next_end(at(30)) == at(60)
    bench.answer["bob"] = FREE
    assert {f.account: f.fresh for f in bench.poll(40)} == {"alice": True, "bob": True}


def test_who_never_had_a_presence_is_known_and_not_fresh() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    del bench.answer["bob"]
    told = {f.account: f for f in bench.poll(0)}
    assert not told["bob"].fresh
    assert told["bob"].presence is None
    assert told["bob"].sign_in == IN


def test_freshness_ends_for_all_at_once_and_all_are_published() -> None:
    bench = Bench(MANY)
    bench.poll(0, lasts_s=60)
    assert bench.facts.next_end(at(0)) == at(60)
    assert bench.tell(59) == []
    told = bench.tell(60)
    assert len(told) == 1000
    assert not any(f.fresh for f in told)
    assert bench.facts.next_end(at(60)) is None


def test_a_sign_in_that_ends_is_published_for_everybody() -> None:
    bench = Bench(MANY)
    bench.poll(0)
    ended = SignIn(SignInState.EXPIRED, message="It ended.")
    told = bench.tell(1, ended)
    assert len(told) == 1000
    assert {(f.fresh, f.sign_in) for f in told} == {(False, ended)}


def test_who_comes_is_published_and_who_goes_is_forgotten() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    bench.poll(0)
    accounts = {"bob": "Robert", "cat": "Cat"}
    assert bench.facts.follow(accounts)
    assert not bench.facts.follow(accounts)
    bench.answer = {"bob": FREE, "cat": BUSY}
    told = {f.account: f for f in bench.poll(5)}
    assert set(told) == {"bob", "cat"}
    assert told["bob"].name == "Robert"
    assert told["bob"].changed_at == at(0)
    assert set(bench.facts.presences) == {FREE, BUSY}


def test_an_older_answer_changes_nothing_and_does_not_count_as_polled() -> None:
    bench = Bench({"alice": "Alice"})
    new, old = Presence(sequence_number="2"), Presence(sequence_number="1")
    bench.answer["alice"] = new
    bench.poll(0)
    bench.answer["alice"] = old
    assert bench.poll(10) == []
    bench.answer["alice"] = new
    (facts,) = bench.poll(20)
    assert (facts.presence, facts.polled_at) == (new, at(20))


def stamped(number: str, availability: Availability = Availability.BUSY) -> Presence:
    return Presence(availability, sequence_number=number)


def test_older_answers_leave_the_times_of_the_last_accepted_one() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    bench.answer["alice"] = stamped("B1000")
    bench.poll(0, lasts_s=200)
    bench.answer["alice"] = stamped("B999", Availability.AVAILABLE)
    for second in (30, 60, 90):
        told = {f.account: f for f in bench.poll(second, lasts_s=200)}
        assert set(told) == {"bob"}
        assert told["bob"].polled_at == at(second)
    (ended,) = bench.tell(200)
    assert (ended.account, ended.fresh) == ("alice", False)
    assert (ended.presence, ended.polled_at) == (stamped("B1000"), at(0))


@pytest.mark.parametrize(("every_s", "taken_s"), [(5, 50), (60, 360), (400, 800)])
def test_after_ten_older_answers_or_five_minutes_the_new_line_is_taken(
    every_s: int, taken_s: int
) -> None:
    bench = Bench({"alice": "Alice"})
    bench.answer["alice"] = stamped("B1000")
    bench.poll(0)
    bench.answer["alice"] = stamped("B1", Availability.AVAILABLE)
    for second in range(every_s, taken_s, every_s):
        assert not bench.facts.take(bench.answer, at(second)).counted_anew
        assert not any(f.fresh and f.polled_at != at(0) for f in bench.tell(second))
    taken = bench.facts.take(bench.answer, at(taken_s))
    assert (taken.counted_anew, taken.changed) == (("alice",), True)
    bench.answer["alice"] = stamped("B2")
    (facts,) = bench.poll(taken_s + 5)
    assert (facts.presence, facts.polled_at) == (stamped("B2"), at(taken_s + 5))


def test_only_older_answers_in_a_row_count() -> None:
    bench = Bench({"alice": "Alice"})
    bench.answer["alice"] = new = stamped("B1000")
    bench.poll(0)
    for round_s in (100, 200, 300):
        for second in range(round_s, round_s + 9):
            bench.answer["alice"] = stamped("B1")
            assert not bench.facts.take(bench.answer, at(second)).counted_anew
        bench.answer["alice"] = new
        assert not bench.facts.take(bench.answer, at(round_s + 10)).counted_anew


def test_everybody_is_republished_in_a_new_epoch() -> None:
    epochs = iter([7, 7, 8])
    bench = Bench(MANY)
    bench.facts = Facts(lambda _: next(epochs))
    bench.facts.follow(MANY)
    assert {f.epoch for f in bench.poll(0)} == {7}
    assert bench.tell(1) == []
    assert [f.epoch for f in bench.tell(2)] == [8] * 1000


def test_a_status_message_vanishes_at_its_end_without_another_read() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    says = replace(FREE, status_message="lunch", status_message_until=at(30))
    bench.answer["alice"] = says
    bench.poll(0)
    assert bench.facts.next_end(at(0)) == at(30)
    assert all(f.presence == says for f in bench.tell(29) if f.account == "alice")
    (told,) = bench.tell(30)
    assert (told.account, told.presence, told.changed_at) == ("alice", FREE, at(30))
    assert bench.facts.next_end(at(30)) == at(300)

    told_again = {f.account: f for f in bench.poll(40)}
    assert told_again["alice"].presence == FREE
    assert told_again["alice"].changed_at == at(30), "Microsoft still tells it"


def test_a_status_message_that_was_over_when_it_was_read_is_never_shown() -> None:
    bench = Bench({"alice": "Alice"})
    bench.answer["alice"] = replace(FREE, status_message="lunch", status_message_until=at(-1))
    (told,) = bench.poll(0)
    assert told.presence == FREE


def test_a_status_message_ends_also_while_nothing_can_be_read() -> None:
    bench = Bench({"alice": "Alice"})
    bench.answer["alice"] = replace(FREE, status_message="lunch", status_message_until=at(400))
    bench.poll(0, lasts_s=300)
    bench.tell(300)
    assert bench.facts.next_end(at(301)) == at(400)
    (told,) = bench.tell(400)
    assert (told.presence, told.fresh) == (FREE, False)


def test_who_left_has_no_message_that_ends() -> None:
    bench = Bench({"alice": "Alice", "bob": "Bob"})
    bench.answer["alice"] = replace(FREE, status_message="lunch", status_message_until=at(30))
    bench.poll(0)
    bench.facts.follow({"bob": "Bob"})
    assert bench.facts.next_end(at(0)) == at(300)
    bench.tell(31)


@pytest.mark.parametrize(
    "other",
    [
        replace(FREE, status_message="lunch"),
        replace(FREE, out_of_office=True),
        replace(FREE, work_location=WorkLocation.OFFICE),
        replace(FREE, work_location_source=WorkLocationSource.MANUAL),
    ],
)
def test_each_fact_that_people_see_is_a_change(other: Presence) -> None:
    bench = Bench({"alice": "Alice"})
    bench.poll(0)
    bench.answer["alice"] = other
    (told,) = bench.poll(5)
    assert (told.presence, told.changed_at) == (other, at(5))


IN_A_CALL = Presence(Availability.BUSY, Activity.IN_A_CALL)
CONFERENCE = Presence(Availability.BUSY, Activity.IN_A_CONFERENCE_CALL, status_message="Hi")


def test_since_when_is_since_the_same_words_were_true_and_not_before_anybody_looked() -> None:
    bench = Bench({"a": "A"})
    assert bench.poll(0)[0].since is None
    bench.answer["a"] = IN_A_CALL
    assert bench.poll(10)[0].since == at(10)
    bench.answer["a"] = CONFERENCE
    (facts,) = bench.poll(20)
    assert (facts.since, facts.changed_at) == (at(10), at(20))


def test_after_a_gap_nobody_saw_when_it_began() -> None:
    bench = Bench({"a": "A"})
    bench.poll(0)
    bench.answer["a"] = IN_A_CALL
    assert bench.poll(10)[0].since == at(10)
    assert bench.poll(1000)[0].since is None
    bench.answer["a"] = FREE
    assert bench.poll(2000)[0].since is None
    bench.answer["a"] = IN_A_CALL
    assert bench.poll(2010)[0].since == at(2010)


def test_what_people_wrote_is_hidden_at_once_and_is_no_change_of_presence() -> None:
    bench = Bench({"alice": "Alice"})
    said = replace(FREE, status_message="Back at 3", status_message_until=at(900))
    bench.answer["alice"] = replace(said, out_of_office_message="I am away.")
    assert bench.poll(0)[0].presence == bench.answer["alice"]
    bench.facts.show_messages(shown=False)
    (hidden,) = bench.tell(1)
    assert (hidden.presence, hidden.changed_at) == (FREE, at(0))
    bench.answer["alice"] = replace(said, status_message="Back at 4")
    (hidden,) = bench.poll(2)
    assert (hidden.presence, hidden.changed_at) == (FREE, at(0))
    bench.facts.show_messages(shown=True)
    (shown,) = bench.poll(3)
    assert shown.presence == bench.answer["alice"]
