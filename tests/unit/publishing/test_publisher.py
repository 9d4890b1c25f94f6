"""What is sent when: before online, after it, at Home Assistant's birth, and beat by beat."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.contract.account import Followed, SignIn, SignInState
from bridge.contract.health import Health
from bridge.contract.presence import Availability
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.beats import BEAT_S
from bridge.publishing.outgoing import MANY
from tests.unit.publishing.bench import ALICE, IN, NOW, Bench, facts

TOPICS = Topics()
ANN = Followed("Ann", discover=False, table="team")
BEN = Followed("Ben", table="team")
EVERYBODY = {"alice": ALICE, "team_ann": ANN, "team_ben": BEN}
CODE = SignIn(
    SignInState.CODE_PENDING,
    user_code="ABC",
    verification_uri="https://x",
    expires_at=NOW + timedelta(minutes=15),
    remedy="Enter the code.",
)


def topics(messages: list[Message]) -> list[str]:
    return [message.topic for message in messages]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    built.publisher.follow(EVERYBODY)
    return built


async def test_only_the_bridge_and_single_accounts_come_before_online(bench: Bench) -> None:
    bench.publisher.bridge.update_health(Health(healthy=True))
    for slug in EVERYBODY:
        bench.publisher.states.update(facts(slug))
    welcome = topics(bench.connect())
    devices = [TOPICS.bridge_config(), TOPICS.account_config("alice")]
    assert [topic for topic in welcome if "homeassistant" in topic] == devices
    assert welcome.index(TOPICS.account_config("alice")) < welcome.index(
        TOPICS.account("alice", "state")
    )
    assert {TOPICS.bridge_info, TOPICS.bridge_health, TOPICS.table("team", "auth")} < set(welcome)
    assert not any("team_" in topic for topic in welcome)
    backlog = topics(bench.broker.sent[len(welcome) :])
    assert TOPICS.account("team_ann", "state") in backlog
    assert [t for t in backlog if "homeassistant" in t] == [TOPICS.account_config("team_ben")]
    assert not any("alice" in topic for topic in backlog)


async def test_nobody_is_current_before_they_were_read(bench: Bench) -> None:
    old = {
        TOPICS.account(slug, leaf): payload
        for slug in EVERYBODY
        for leaf, payload in (("availability", b"online"), ("state", b'{"busy":"ON"}'))
    }
    bench.broker.stored.update(old)
    bench.connect()
    bench.publisher.states.update(facts("alice", None))
    bench.broker.drain()
    for slug in EVERYBODY:
        assert bench.broker.stored[TOPICS.account(slug, "availability")] == b"offline"
        assert bench.broker.stored[TOPICS.account(slug, "state")] == b'{"busy":"ON"}'


@pytest.mark.parametrize("slug", EVERYBODY)
@pytest.mark.parametrize("when", ["before the start", "by a reload"])
async def test_a_message_that_is_not_shown_any_more_goes_also_of_who_was_not_read(
    bench: Bench, slug: str, when: str
) -> None:
    hidden = {**EVERYBODY, slug: replace(EVERYBODY[slug], says=False)}
    places = [TOPICS.account(slug, leaf) for leaf in ("state", "attributes")]
    bench.broker.stored.update(dict.fromkeys(places, b'{"status_message":"Back at 3"}'))
    if when == "before the start":
        bench.publisher.follow(hidden)
        bench.publisher.states.update(facts(slug, None))
        bench.connect()
    else:
        bench.connect()
        bench.publisher.states.update(facts(slug, None))
        async with bench.running():
            bench.publisher.follow(hidden)
            await bench.pass_time(5)
    bench.broker.drain()
    for place in places:
        assert json.loads(bench.broker.stored[place])["status_message"] is None
    assert bench.broker.stored[TOPICS.account(slug, "availability")] == b"offline"


async def test_somebody_new_is_not_current_before_they_were_read(bench: Bench) -> None:
    bench.connect()
    bench.publisher.follow({**EVERYBODY, "bob": Followed("Bob")})
    bench.broker.drain()
    assert bench.broker.stored[TOPICS.account("bob", "availability")] == b"offline"


async def test_people_who_come_and_go_during_a_long_welcome_end_nothing(bench: Bench) -> None:
    bench.publisher.follow({**EVERYBODY, "bob": Followed("Bob", settable=True)})
    for slug in ("alice", "bob", "team_ann", "team_ben"):
        bench.publisher.states.update(facts(slug))
    welcome, backlog = bench.broker.welcome(), bench.broker.backlog()
    next(welcome)
    next(backlog)
    bench.service.gone = {"bob"}
    bench.publisher.follow({"team_ann": ANN, "carl": Followed("Carl", settable=True)})
    rest = topics([*welcome, *backlog])
    assert not any("bob" in topic or "team_ben" in topic for topic in rest)


async def test_a_birth_brings_what_home_assistant_may_see_and_nobody_else(bench: Bench) -> None:
    bench.connect()
    for slug in EVERYBODY:
        bench.publisher.states.update(facts(slug))
    bench.broker.drain()
    async with bench.running():
        await bench.pass_time(1)
        bench.broker.beats.clear()
        bench.broker.put(TOPICS.births[0], b"Online ")
        through = await bench.pass_time(5)
    sent = topics(through)
    assert sent.count(TOPICS.account_config("alice")) == 1
    assert sent.count(TOPICS.account_config("team_ben")) == 1
    assert {TOPICS.account(s, "state") for s in ("alice", "team_ben")} < set(sent)
    assert TOPICS.table("team", "auth") in sent
    assert sent[-1] == TOPICS.bridge_state
    assert through[-1].payload == b"online"
    assert not any("team_ann" in topic for topic in sent)
    assert {id(message) for message in through} == {id(message) for message in bench.broker.beats}


async def test_all_that_is_stored_is_repeated_and_marked_as_such(bench: Bench) -> None:
    bench.publisher.follow({**EVERYBODY, "bob": Followed("Bob", settable=True)})
    bench.connect()
    everybody = (*EVERYBODY, "bob")
    async with bench.running():
        for slug in everybody:
            bench.publisher.states.update(facts(slug))
        bench.broker.ask("rediscover")
        await bench.pass_time(10)
        before = dict(bench.broker.stored)
        bench.broker.beats.clear()
        for slug in everybody:
            bench.publisher.states.update(
                replace(facts(slug), polled_at=NOW + timedelta(minutes=1))
            )
        assert bench.broker.drain() == [], "the times alone are no news"
        for topic in before:
            if not topic.startswith("homeassistant/"):
                del bench.broker.stored[topic]
        through = await bench.pass_time(BEAT_S + 10)
    assert bench.broker.stored.keys() == before.keys() | {TOPICS.bridge_state}
    assert {id(message) for message in through} == {id(message) for message in bench.broker.beats}
    assert len(through) == len({message.topic for message in through}), "each once"
    state = json.loads(bench.broker.stored[TOPICS.account("team_ann", "state")])
    assert state["polled_at"] == "2026-11-23T09:01:00+00:00"


@pytest.mark.parametrize("leaf", ["state", "attributes", "availability", "sign_in", "auth"])
async def test_who_changes_all_the_time_is_repeated_as_well(bench: Bench, leaf: str) -> None:
    topic = TOPICS.account("team_ben", leaf)
    bench.connect()
    async with bench.running():
        bench.publisher.states.update(facts("team_ben"))
        await bench.pass_time(100)
        truth = bench.broker.stored[topic]
        bench.broker.put(topic, b"")
        for number in range(4):
            word = (Availability.BUSY, Availability.AVAILABLE)[number % 2]
            bench.publisher.states.update(facts("team_ben", word))
            await bench.pass_time(30)
        assert leaf in ("state", "attributes") or bench.broker.stored[topic] == truth
        assert bench.broker.stored[topic]


async def test_what_is_not_current_is_repeated_without_its_state(bench: Bench) -> None:
    bench.connect()
    async with bench.running():
        bench.publisher.states.update(facts("alice"))
        bench.publisher.states.update(facts("alice", sign_in=SignIn(SignInState.EXPIRED)))
        await bench.pass_time(1)
        sent = topics(await bench.pass_time(BEAT_S + 10))
    assert [topic for topic in sent if "/alice/" in topic] == [
        TOPICS.account("alice", leaf)
        for leaf in ("status", "sign_in", "auth", "availability", "today")
    ]


async def test_with_very_many_people_a_beat_is_only_what_would_expire(bench: Bench) -> None:
    crowd = [f"team_{number}" for number in range(MANY)]
    bench.publisher.follow(
        {"alice": Followed("Alice"), **{slug: Followed(slug, table="team") for slug in crowd}}
    )
    bench.connect()
    async with bench.running():
        for slug in ("alice", crowd[0]):
            bench.publisher.states.update(facts(slug))
        await bench.pass_time(1)
        sent = topics(await bench.pass_time(BEAT_S + 10))
    assert [topic for topic in sent if crowd[0] in topic.split("/")] == [
        TOPICS.account(crowd[0], leaf) for leaf in ("state", "attributes")
    ]
    assert TOPICS.account("alice", "sign_in") in sent


async def test_another_epoch_is_published_for_everybody_soon_and_in_turns(bench: Bench) -> None:
    bench.connect()
    async with bench.running():
        for slug in EVERYBODY:
            bench.publisher.states.update(facts(slug, epoch=7))
        bench.broker.drain()
        for slug in EVERYBODY:
            bench.publisher.states.update(facts(slug, epoch=8))
        assert bench.broker.drain() == []
        await bench.pass_time(6)
    for slug in EVERYBODY:
        assert json.loads(bench.broker.stored[TOPICS.account(slug, "state")])["epoch"] == 8


async def test_while_the_broker_is_away_nothing_is_repeated(bench: Bench) -> None:
    bench.connect()
    async with bench.running():
        bench.publisher.states.update(facts("alice"))
        bench.broker.lose()
        assert await bench.pass_time(BEAT_S + 10) == []


async def test_health_has_a_slow_beat_of_its_own(bench: Bench) -> None:
    bench.connect()
    bench.publisher.bridge.update_health(Health(healthy=True))
    assert bench.broker.beats == []
    await bench.clock.advance(60)
    bench.publisher.bridge.update_health(Health(healthy=True))
    assert topics(bench.broker.beats) == [TOPICS.bridge_health]


async def test_the_code_of_a_table_stands_on_its_own_topic_and_is_sent_once(
    bench: Bench,
) -> None:
    bench.connect()
    crowd = ("team_ann", "team_ben")
    for code in ("ABC", "DEF"):
        for slug in crowd:
            sign_in = replace(CODE, user_code=code, correlation_id=code)
            bench.publisher.states.update(facts(slug, None, sign_in=sign_in))
    sent = bench.broker.drain()
    table = [message for message in sent if message.topic == TOPICS.table("team", "auth")]
    assert [json.loads(message.payload)["user_code"] for message in table] == ["ABC", "DEF"]
    assert table[0].expiry_s == 900
    people = [message for message in sent if message.topic.endswith("_ann/auth")]
    assert len(people) == 1
    shown = json.loads(people[0].payload)
    assert (shown["state"], shown["remedy"]) == ("device_code_pending", "Enter the code.")
    assert not any(shown[key] for key in ("user_code", "verification_uri", "expires_at"))
    words = [m.payload for m in sent if m.topic.endswith("/sign_in")]
    assert words == [b"needed", b"needed"]
    bench.publisher.states.update(facts("team_ben", sign_in=IN))
    assert bench.broker.drain()[0].topic == TOPICS.table("team", "auth")


async def test_a_single_account_keeps_its_code_while_presence_goes_on(bench: Bench) -> None:
    bench.connect()
    bench.publisher.states.update(facts("alice"))
    bench.broker.drain()
    asked = replace(CODE, state=SignInState.SIGNED_IN)
    bench.publisher.states.update(facts("alice", sign_in=asked))
    (auth,) = bench.broker.drain()
    told = json.loads(auth.payload)
    assert (told["state"], told["user_code"]) == ("signed_in", "ABC")


@pytest.mark.parametrize(("version", "expires"), [("5.0", False), ("3.1.1", True)])
async def test_what_expires_in_home_assistant_depends_on_the_broker(
    bench: Bench, version: str, *, expires: bool
) -> None:
    bench.broker.mqtt_version = version
    bench.connect()
    for account, single in (("alice", True), ("team_ben", False)):
        device = json.loads(bench.broker.stored[TOPICS.account_config(account)])
        assert ("expire_after" in device["components"]["busy"]) is (expires and single)


async def test_a_bug_in_one_part_is_logged_and_the_part_goes_on(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.connect()
    calls = 0

    async def room() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError("a bug")

    bench.broker.room = room  # type: ignore[method-assign]
    async with bench.running():
        bench.broker.ask("rediscover")
        await bench.pass_time(5)
        bench.broker.ask("health_check")
        await bench.clock.settle()
        bench.broker.ask("rediscover")
        through = await bench.pass_time(10)
    assert TOPICS.response("health_check") in topics(through)
    assert TOPICS.account_config("alice") in topics(through)
    assert caplog.text.count("Traceback") == 1


async def test_a_stop_leaves_nothing_running(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"requests", "births", "removals", "corrections", "leftovers"}


async def test_garbage_at_the_birth_topic_is_no_birth(bench: Bench) -> None:
    bench.connect()
    bench.broker.drain()
    async with bench.running():
        for payload in (b"offline", b"", b"\xff", b"on line"):
            bench.broker.put(TOPICS.births[0], payload)
        assert await bench.pass_time(6) == []


async def test_what_changes_during_a_long_welcome_is_not_overwritten_by_what_was_true(
    bench: Bench,
) -> None:
    bench.publisher.states.update(facts("alice"))
    availability = TOPICS.account("alice", "availability")
    welcome = bench.broker.welcome()
    before = [next(welcome)]
    while before[-1].topic != TOPICS.account("alice", "state"):
        before.append(next(welcome))
    bench.publisher.states.update(facts("alice", sign_in=SignIn()))
    after = [message for message in welcome if message.topic == availability]
    assert [message.payload for message in after] == [b"offline"]


def status(bench: Bench, slug: str = "alice") -> str:
    text: str = json.loads(bench.broker.stored[TOPICS.account(slug, "status")])["text"]
    return text


async def test_the_status_is_true_before_the_first_read_and_after_an_orderly_end(
    bench: Bench,
) -> None:
    bench.connect()
    assert status(bench) == "Not read yet"
    bench.publisher.states.update(facts("alice"))
    bench.broker.drain()
    assert status(bench) == "Available"
    bench.publisher.states.update(facts("alice", sign_in=SignIn(SignInState.EXPIRED)))
    bench.broker.drain()
    assert status(bench) == "Sign-in needed"
    goodbye = list(bench.broker.goodbye())
    said = {m.topic: json.loads(m.payload)["text"] for m in goodbye if m.payload.startswith(b"{")}
    assert said == {TOPICS.account("alice", "status"): "Not known: the bridge is stopped"}
    bench.connect()
    assert status(bench) == "Sign-in needed"


async def test_who_was_never_read_is_part_of_the_beat(bench: Bench) -> None:
    bench.connect()
    topic = TOPICS.account("alice", "availability")
    async with bench.running():
        await bench.pass_time(20)
        del bench.broker.stored[topic]
        await bench.pass_time(BEAT_S)
    assert bench.broker.stored[topic] == b"offline"


async def test_a_sign_in_that_is_needed_is_one_event_of_a_table_and_of_each_single_account(
    bench: Bench,
) -> None:
    bench.connect()
    for sign_in in (IN, CODE, SignIn(SignInState.EXPIRED), IN):
        for slug in EVERYBODY:
            bench.publisher.states.update(facts(slug, sign_in=sign_in))
    events = [m for m in bench.broker.drain() if m.topic.endswith("/sign_in_event")]
    assert sorted(topics(events)) == [
        TOPICS.account("alice", "sign_in_event"),
        TOPICS.table("team", "sign_in_event"),
    ]
    assert not any(message.retain for message in events)


@pytest.mark.parametrize(
    "news",
    [
        Health(healthy=False, reason="Alice: sign-in needed."),
        Health(healthy=True, last_poll_ok=NOW),
        Health(healthy=True, sign_in_needed=("alice",)),
    ],
)
async def test_what_people_see_of_the_health_is_published_at_once(
    bench: Bench, news: Health
) -> None:
    bench.connect()
    bench.publisher.bridge.update_health(Health(healthy=True))
    bench.broker.drain()
    bench.publisher.bridge.update_health(news)
    assert topics(bench.broker.drain()) == [TOPICS.bridge_health]
    bench.publisher.bridge.update_health(replace(news, uptime_s=10))
    assert bench.broker.drain() == []
