"""Publishing for thousands: what waits, what is left out, what is taken away."""

import asyncio
import json
from pathlib import Path

import pytest

from bridge.contract.account import Followed
from bridge.contract.presence import Availability
from bridge.publishing.announcements import GOODBYES_MOST
from tests.unit.publishing.bench import Bench, facts


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path, most=5)
    built.connect()
    return built


async def test_while_many_messages_wait_only_the_newest_facts_of_each_account_do(
    bench: Bench,
) -> None:
    crowd = [f"p{number}" for number in range(100)]
    bench.follow(*crowd)
    running = asyncio.create_task(bench.publisher.run())
    await bench.clock.settle()
    bench.broker.drain()
    for availability in (Availability.AWAY, Availability.BUSY):
        for account in crowd:
            bench.publisher.states.update(facts(account, availability))
        assert len(bench.broker.waiting) < 10
    for _ in range(200):
        bench.broker.drain()
        await bench.clock.settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert set(bench.broker.states()) == set(crowd)
    assert list(bench.broker.states().values()).count("busy") >= 98
    states = [m for m in bench.broker.sent if m.topic.endswith("/state")]
    assert len(states) <= 104, "the older facts of those who waited were never sent"


async def test_a_change_goes_at_once_though_there_is_no_room_for_the_first_facts_of_others(
    bench: Bench,
) -> None:
    bench.follow(*(f"team_p{number}" for number in range(100)), table="team")
    bench.broker.drain()
    for number in range(100):
        bench.publisher.states.update(facts(f"team_p{number}", Availability.AWAY))
    assert not bench.broker.has_room
    bench.publisher.states.update(facts("team_p0", Availability.BUSY))
    assert any(b'"busy"' in message.payload for message in bench.broker.waiting)
    for number in range(1, 100):
        bench.publisher.states.update(facts(f"team_p{number}", Availability.BUSY))
    assert len(bench.broker.waiting) < 30, "of changes no more wait than of others"


async def test_who_is_gone_before_their_turn_is_not_published(bench: Bench) -> None:
    bench.follow("a", "b", "c")
    bench.broker.drain()
    for account in ("a", "b", "c"):
        bench.publisher.states.update(facts(account, Availability.AWAY))
    bench.follow("a", "b")
    running = asyncio.create_task(bench.publisher.run())
    for _ in range(5):
        bench.broker.drain()
        await bench.clock.settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "c" not in bench.broker.states()


async def test_a_long_welcome_sends_the_newest_and_not_what_was_known_when_it_began(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.follow("a", "b")
    for account in ("a", "b"):
        bench.publisher.states.update(facts(account, Availability.AWAY))
    welcome = bench.broker.welcome()
    first = next(message for message in welcome if message.topic.endswith("a/state"))
    assert json.loads(first.payload)["availability"] == "away"
    bench.publisher.states.update(facts("b", Availability.BUSY))
    second = next(message for message in welcome if message.topic.endswith("b/state"))
    assert json.loads(second.payload)["availability"] == "busy"


async def test_discovery_after_a_birth_is_sent_in_small_parts_with_news_between(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, most=50)
    bench.connect()
    bench.follow(*(f"p{number}" for number in range(60)), discover=True)
    bench.broker.drain()
    running = asyncio.create_task(bench.publisher.run())
    await bench.clock.settle()
    bench.broker.ask("rediscover")
    await bench.clock.advance(1)
    assert len(bench.broker.waiting) == 50
    bench.broker.drain()
    bench.publisher.states.update(facts("p7", Availability.BUSY))
    place = [m.topic for m in bench.broker.waiting].index("presence/account/p7/state")
    assert place < 50
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def test_the_list_of_accounts_leaves_out_whom_home_assistant_does_not_hear_of(
    bench: Bench,
) -> None:
    bench.publisher.follow({"a": Followed("A"), "b": Followed("B", discover=False)})
    info = next(m for m in bench.broker.welcome() if m.topic == "presence/bridge/info")
    told = json.loads(info.payload)
    assert (told["accounts"], told["people"]) == ({"a": "A"}, 2)


def test_a_goodbye_is_through_in_time_however_many_there_are(bench: Bench) -> None:
    bench.follow(*(f"p{number}" for number in range(GOODBYES_MOST + 5)), table="team")
    assert len(list(bench.broker.goodbye())) == GOODBYES_MOST


async def test_who_left_while_the_bridge_was_away_is_taken_away_also_without_discovery(
    tmp_path: Path,
) -> None:
    for people in (("a", "b"), ("a",)):
        bench = Bench(tmp_path)
        bench.follow(*people)
        welcome = bench.connect()
        running = asyncio.create_task(bench.publisher.run())
        await bench.clock.advance(10)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    emptied = {message.topic for message in welcome if not message.payload}
    assert "presence/account/b/availability" in emptied
    assert not any("/a/" in topic for topic in emptied)


async def test_a_group_that_is_read_first_is_announced_in_small_parts(bench: Bench) -> None:
    crowd = [f"team_p{number}" for number in range(30)]
    async with bench.running():
        bench.broker.drain()
        bench.follow("alice", *crowd, discover=True, table="team")
        await bench.clock.settle()
        assert len(bench.broker.waiting) < 10
        sent = [m.topic for m in await bench.pass_time(35)]
    assert sent.count("presence/account/team_p29/availability") == 1
    assert len([topic for topic in sent if "account_team_p" in topic]) == 30
