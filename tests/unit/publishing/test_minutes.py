"""What is published and kept of the time in calls and meetings, and how often."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.outgoing import MANY
from tests.unit.publishing.bench import ALICE, BOB, Bench, facts

TOPICS = Topics()
CALL = Presence(Availability.BUSY, Activity.IN_A_CALL)
FREE = Presence(Availability.AVAILABLE, Activity.AVAILABLE)
OUT = SignIn(SignInState.EXPIRED)


def seen(bench: Bench, slug: str, presence: Presence, sign_in: SignIn | None = None) -> None:
    """A good read of somebody, current for an hour."""
    now = bench.clock.now()
    read = replace(
        facts(slug), presence=presence, polled_at=now, valid_until=now + timedelta(hours=1)
    )
    if sign_in:
        read = replace(read, sign_in=sign_in, fresh=False)
    bench.publisher.states.update(read)


def today(messages: list[Message], slug: str = "alice") -> list[dict[str, Any]]:
    """What was published, without what a beat says again."""
    topic = TOPICS.account(slug, "today")
    payloads = dict.fromkeys(m.payload for m in messages if m.topic == topic)
    return [json.loads(payload) for payload in payloads]


def stored(bench: Bench, slug: str = "alice") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(bench.broker.stored[TOPICS.account(slug, "today")])
    return read


def entries(folder: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((folder / "today.json").read_text(encoding="utf-8"))["days"]
    return read


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    built.publisher.follow({"alice": ALICE, "team_ann": Followed("Ann", table="team")})
    built.connect()
    return built


async def test_a_call_is_counted_every_minute_and_at_its_end(bench: Bench) -> None:
    async with bench.running():
        seen(bench, "alice", FREE)
        assert [t["calls_s"] for t in today(await bench.pass_time(30))] == [0]
        seen(bench, "alice", CALL)
        during = [t["calls_s"] for t in today(await bench.pass_time(300))]
        assert during[0] == 0
        assert 4 <= len(during[1:]) <= 5
        assert during == sorted(during)
        seen(bench, "alice", FREE)
        (end,) = today(await bench.pass_time(5))
        assert (end["calls_s"], end["meetings_s"], end["unseen_s"]) == (300, 0, 0)
        assert today(await bench.pass_time(300)) in ([], [end]), "nothing goes on"


async def test_of_many_only_the_end_and_every_five_minutes(bench: Bench) -> None:
    async with bench.running():
        seen(bench, "team_ann", FREE)
        await bench.pass_time(400)
        seen(bench, "team_ann", CALL)
        during = today(await bench.pass_time(900), "team_ann")
        assert 3 <= len(during) <= 4
        seen(bench, "team_ann", FREE)
        (end,) = today(await bench.pass_time(20), "team_ann")
        assert end["calls_s"] == 900


async def test_of_thousands_only_who_was_in_a_call_is_published(bench: Bench) -> None:
    crowd = {f"team_p{n}": Followed("P", table="team") for n in range(MANY + 1)}
    bench.publisher.follow(crowd)
    async with bench.running():
        for slug in crowd:
            seen(bench, slug, FREE)
        seen(bench, "team_p1", CALL)
        through = await bench.pass_time(310)
        assert {m.topic for m in through if m.payload and m.topic.endswith("/today")} == {
            TOPICS.account("team_p1", "today")
        }
        seen(bench, "team_p1", FREE)
        await bench.pass_time(20)
    assert stored(bench, "team_p1")["calls_s"] == 310


async def test_of_thousands_whom_nobody_displays_neither_words_nor_minutes_are_sent(
    bench: Bench,
) -> None:
    crowd = {f"team_p{n}": Followed("P", table="team", discover=False) for n in range(MANY + 1)}
    bench.publisher.follow(crowd)
    async with bench.running():
        seen(bench, "team_p1", CALL)
        through = [m.topic for m in await bench.pass_time(600) if m.payload]
    assert TOPICS.account("team_p1", "state") in through
    assert not [topic for topic in through if topic.endswith(("/today", "/status"))]


async def test_a_gap_is_reported(bench: Bench) -> None:
    async with bench.running():
        seen(bench, "alice", CALL)
        await bench.pass_time(60)
        seen(bench, "alice", CALL, OUT)
        await bench.pass_time(120)
        seen(bench, "alice", FREE)
        await bench.pass_time(20)
    assert (stored(bench)["calls_s"], stored(bench)["unseen_s"]) == (60, 120)


async def test_a_restart_goes_on_where_the_day_was(tmp_path: Path, bench: Bench) -> None:
    async with bench.running():
        seen(bench, "alice", CALL)
        await bench.pass_time(120)
    again = Bench(tmp_path, stored=bench.broker.stored)
    await again.clock.advance(180)  # both benches begin at the same time
    again.publisher.follow({"alice": ALICE})
    again.connect()
    async with again.running():
        seen(again, "alice", CALL)
        await again.pass_time(70)
    assert 180 <= stored(again)["calls_s"] <= 190
    assert 59 <= stored(again)["unseen_s"] <= 61


async def test_the_file_of_another_time_or_none_is_no_reason_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "today.json").write_text('{"days": {"alice": ["x"]}}', encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    bench.connect()
    async with bench.running():
        seen(bench, "alice", FREE)
        await bench.pass_time(5)
    assert stored(bench)["calls_s"] == 0
    assert "cannot be read" in caplog.text


async def test_everybody_starts_over_when_the_day_does(bench: Bench) -> None:
    async with bench.running():
        for slug in ("alice", "team_ann"):
            seen(bench, slug, CALL)
        await bench.pass_time(120)
        for slug in ("alice", "team_ann"):
            seen(bench, slug, FREE)
        await bench.pass_time(20)
        dates = stored(bench)["date"], stored(bench, "team_ann")["date"]
        now = bench.clock.now()
        midnight = datetime.combine(now.date() + timedelta(days=1), time.min, tzinfo=UTC)
        await bench.clock.advance((midnight - now).total_seconds())
        await bench.pass_time(20)
    for slug, before in zip(("alice", "team_ann"), dates, strict=True):
        assert stored(bench, slug)["date"] > before
        assert stored(bench, slug)["calls_s"] == 0


async def test_forgetting_somebody_leaves_nothing(tmp_path: Path, bench: Bench) -> None:
    bench.publisher.follow({"alice": ALICE, "bob": BOB})
    async with bench.running():
        for slug in ("alice", "bob"):
            seen(bench, slug, CALL)
        await bench.pass_time(70)
    assert entries(tmp_path).keys() == {"alice", "bob"}
    async with bench.running():
        bench.publisher.follow({"alice": ALICE})
        await bench.pass_time(70)
        assert bench.about("bob") == set()
    assert entries(tmp_path).keys() == {"alice"}


async def test_who_left_while_the_bridge_was_stopped_is_forgotten_too(
    tmp_path: Path, bench: Bench
) -> None:
    async with bench.running():
        seen(bench, "alice", CALL)
        await bench.pass_time(40)
    again = Bench(tmp_path)
    again.publisher.follow({"bob": BOB})
    async with again.running():
        await again.pass_time(40)
    assert "alice" not in entries(tmp_path)


async def test_what_was_counted_survives_a_life_without_news(tmp_path: Path, bench: Bench) -> None:
    async with bench.running():
        seen(bench, "alice", CALL)
        await bench.pass_time(40)
    again = Bench(tmp_path)
    again.publisher.follow({"alice": ALICE})
    async with again.running():
        await again.pass_time(40)
    assert "alice" in entries(tmp_path)


async def test_it_is_part_of_the_beat_and_of_what_a_new_connection_gets(bench: Bench) -> None:
    topic = TOPICS.account("alice", "today")
    async with bench.running():
        seen(bench, "alice", FREE)
        await bench.pass_time(20)
        del bench.broker.stored[topic]
        await bench.pass_time(130)
        assert topic in bench.broker.stored
        bench.broker.lose()
        assert topic in [message.topic for message in bench.connect()]


def unread() -> AccountFacts:
    return facts("alice", None, sign_in=SignIn())


async def test_of_somebody_who_was_never_read_nothing_is_counted(bench: Bench) -> None:
    async with bench.running():
        bench.publisher.states.update(unread())
        await bench.pass_time(120)
        bench.publisher.states.update(unread())
        seen(bench, "alice", FREE)
        await bench.pass_time(10)
    assert (stored(bench)["calls_s"], stored(bench)["unseen_s"]) == (0, 120)
