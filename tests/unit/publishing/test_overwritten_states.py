"""What others put on our topics is answered with the truth, and our own echo is not."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.contract.account import Followed
from bridge.contract.presence import Availability
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_account_state
from tests.unit.publishing.bench import ALICE, NOW, Bench, facts

TOPICS = Topics()
STATE, AVAILABLE = TOPICS.account("alice", "state"), TOPICS.account("alice", "availability")
AWAY, BUSY = facts("alice", Availability.AWAY, epoch=7), facts("alice", Availability.BUSY, epoch=7)
OLDER = encode_account_state(replace(BUSY, polled_at=NOW - timedelta(minutes=2)))
MINUTE = timedelta(minutes=1)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    team = {f"team_{n}": Followed("P", table="team", discover=False) for n in ("ann", "ben")}
    built.publisher.follow({"alice": ALICE, **team})
    return built


def states(messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.topic in (STATE, AVAILABLE)]


async def known(bench: Bench) -> None:
    """Alice is away, and nothing is on its way."""
    bench.connect()
    bench.publisher.states.update(AWAY)
    await bench.pass_time(10)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (STATE, OLDER),
        (STATE, b""),
        (STATE, b"garbage"),
        (AVAILABLE, b"offline"),
        (AVAILABLE, b""),
    ],
)
@pytest.mark.parametrize("retain", [False, True])
async def test_what_somebody_else_puts_there_is_answered_at_once(
    bench: Bench, topic: str, payload: bytes, *, retain: bool
) -> None:
    async with bench.running():
        await known(bench)
        truth = bench.broker.stored[topic]
        bench.broker.put(topic, payload, retain=retain)
        await bench.clock.settle()
        assert [m.topic for m in bench.broker.drain()] == [topic]
        assert bench.broker.stored[topic] == truth
        assert states(await bench.pass_time(10)) == [], "its echo is no news"
    assert bench.service.seen_epochs == []


async def test_an_own_state_of_before_that_comes_back_is_answered(bench: Bench) -> None:
    async with bench.running():
        await known(bench)
        old = bench.broker.stored[STATE]
        bench.publisher.states.update(BUSY)
        bench.broker.drain()
        bench.broker.put(STATE, old)
        await bench.clock.settle()
        (answer,) = states(bench.broker.drain())
        assert json.loads(answer.payload)["availability"] == "busy"


async def test_quick_changes_whose_echo_comes_late_are_not_answered(bench: Bench) -> None:
    async with bench.running():
        await known(bench)
        for availability in (Availability.BUSY, Availability.AWAY, Availability.BUSY):
            bench.publisher.states.update(facts("alice", availability, epoch=7))
        through = bench.broker.drain()
        assert len(states(through)) == 3
        assert states(await bench.pass_time(5)) == []


async def test_nothing_is_sent_twice_at_a_start_a_reconnect_or_a_beat(bench: Bench) -> None:
    bench.broker.stored |= {STATE: OLDER, AVAILABLE: b"online"}
    async with bench.running():
        assert [m.topic for m in states(bench.connect())] == [AVAILABLE]
        assert states(await bench.pass_time(3)) == []
        bench.publisher.states.update(AWAY)
        assert len(states(await bench.pass_time(3))) == 2
        bench.broker.lose()
        await bench.pass_time(3)
        bench.publisher.states.update(BUSY)
        bench.publisher.states.update(replace(BUSY, polled_at=NOW + MINUTE / 2))
        assert len(states(bench.connect())) == 2
        assert states(await bench.pass_time(3)) == []
        bench.publisher.states.update(replace(BUSY, polled_at=NOW + MINUTE))
        assert len(states(await bench.pass_time(130))) == 2


async def test_two_who_contradict_each_other_do_so_once_a_second(bench: Bench) -> None:
    async with bench.running():
        await known(bench)
        sent = 0
        for _ in range(50):
            bench.broker.put(STATE, OLDER)
            await bench.clock.advance(0.1)
            sent += len(states(bench.broker.drain()))
    assert sent in (5, 6)


async def test_who_left_or_was_never_read_is_not_answered_for(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        await bench.pass_time(3)
        bench.broker.put(STATE, OLDER)
        assert states(await bench.pass_time(3)) == []
        bench.publisher.states.update(AWAY)
        bench.broker.drain()
        bench.publisher.follow({})
        bench.broker.put(STATE, OLDER)
        through = states(await bench.pass_time(3))
    assert not any(message.payload for message in through)


async def test_one_of_each_table_is_listened_to_and_not_thousands(bench: Bench) -> None:
    heard = {topic for topic in bench.broker.subscribed if topic.startswith("presence/account")}
    assert heard == {
        TOPICS.account(slug, leaf)
        for slug in ("alice", "team_ann")
        for leaf in ("state", "availability")
    }
    bench.publisher.follow({"alice": ALICE})
    assert len([t for t in bench.broker.subscribed if t.startswith("presence/account")]) == 2


@pytest.mark.parametrize(
    ("epoch", "polled_at", "seen"),
    [
        (8, NOW - MINUTE, [8]),
        (7, NOW + MINUTE, [7]),
        (7, NOW - MINUTE, []),
        (6, NOW + MINUTE, []),
        (None, NOW + MINUTE, []),
        (2**60, NOW, []),
        (-1, NOW, []),
    ],
)
async def test_a_state_that_readers_take_for_newer_raises_the_epoch(
    bench: Bench, epoch: int | None, polled_at: object, seen: list[int]
) -> None:
    async with bench.running():
        await known(bench)
        foreign = json.loads(OLDER) | {"epoch": epoch, "polled_at": str(polled_at)}
        bench.broker.put(STATE, json.dumps(foreign).encode())
        await bench.clock.settle()
        assert bench.service.seen_epochs == seen
        assert len(states(bench.broker.drain())) == 1


async def test_what_an_earlier_life_left_raises_the_epoch_before_anything_is_read(
    bench: Bench,
) -> None:
    bench.broker.stored[STATE] = OLDER
    bench.publisher.states.update(facts("alice", None, epoch=7))
    bench.connect()
    assert bench.service.seen_epochs == [7]
    bench.service.seen_epochs.clear()
    bench.publisher.states.update(replace(AWAY, epoch=8))
    bench.broker.lose()
    bench.broker.stored[STATE] = OLDER
    bench.connect()
    assert bench.service.seen_epochs == []


async def test_who_erases_all_states_at_once_is_not_called_somebody_who_keeps_writing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    everybody = [f"p{number}" for number in range(8)]
    bench.follow(*everybody)
    async with bench.running():
        bench.connect()
        for slug in everybody:
            bench.publisher.states.update(facts(slug))
        await bench.pass_time(10)
        for slug in everybody:
            for leaf in ("state", "availability"):
                bench.broker.put(TOPICS.account(slug, leaf), b"")
        await bench.pass_time(3)
        assert all(bench.broker.stored[TOPICS.account(slug, "state")] for slug in everybody)
    assert "keeps writing" not in caplog.text
