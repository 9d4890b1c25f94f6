"""Removed is removed, whatever the broker, the disk and the process do meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.announcements import REMOVALS_FIRST
from tests.unit.publishing.bench import ALICE, BOB, Bench, facts

TOPICS = Topics()
ALICE_DEVICE, BOB_DEVICE = (TOPICS.account_config(slug) for slug in ("alice", "bob"))
OLD_DEVICE = "old/device/presence_account_bob/config"
SETTABLE = Followed("Bob", settable=True)
LEAVES = {
    *("state", "attributes", "availability", "auth", "sign_in", "status", "today", "preferred")
}


def emptied(messages: list[Message]) -> list[str]:
    return [message.topic for message in messages if not message.payload]


def topics(account: str, leaves: set[str] = LEAVES) -> set[str]:
    return {TOPICS.account(account, leaf) for leaf in leaves} | {TOPICS.account_config(account)}


async def live(
    folder: Path, stored: dict[str, bytes], *, bob: Followed | None = SETTABLE, connect: bool = True
) -> Bench:
    """One life of a bridge that follows alice, and bob if he is given; it ends in order."""
    bench = Bench(folder, stored=stored)
    bench.publisher.follow({"alice": ALICE, **({"bob": bob} if bob else {})})
    async with bench.running():
        if connect:
            bench.connect()
        for slug in ("alice", "bob"):
            bench.publisher.states.update(facts(slug))
        await bench.pass_time(8)
    return bench


async def test_all_that_is_stored_about_somebody_goes_while_the_broker_is_there(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    async with bench.running():
        bench.connect()
        for slug in ("alice", "bob"):
            bench.publisher.states.update(facts(slug))
        await bench.pass_time(1)
        assert bench.about("bob") == topics("bob")
        bench.publisher.follow({"alice": ALICE})
        gone = emptied(await bench.pass_time(1))
        assert gone[0] == BOB_DEVICE, "or Home Assistant reads the empty states"
        assert sorted(gone) == sorted(topics("bob")), "each once"
        assert bench.about("bob") == set()
        assert bench.about("alice") == topics("alice", LEAVES - {"preferred"})


async def test_who_leaves_while_the_broker_is_away_is_gone_when_it_is_back(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(facts("bob"))
        await bench.pass_time(1)
        bench.broker.lose()
        bench.publisher.follow({"alice": ALICE})
        await bench.pass_time(5)
        assert bench.about("bob") == topics("bob")
        assert set(emptied(bench.connect())) == topics("bob"), "before online"
        assert bench.about("bob") == set()
        bench.broker.lose()
        assert emptied(bench.connect()) == [], "the broker has acknowledged it"


@pytest.mark.parametrize("lives_without_broker", [1, 3])
async def test_who_left_is_gone_also_after_restarts_without_a_broker(
    tmp_path: Path, lives_without_broker: int
) -> None:
    stored: dict[str, bytes] = {}
    await live(tmp_path, stored)
    for _ in range(lives_without_broker):
        await live(tmp_path, stored, bob=None, connect=False)
    assert TOPICS.account("bob", "availability") in stored
    bench = Bench(tmp_path, stored=stored)
    bench.publisher.follow({"alice": ALICE})
    assert set(emptied(bench.connect())) == topics("bob")
    assert bench.about("bob") == set()


async def test_a_connection_lost_midway_leaves_the_rest_to_the_next(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(facts("bob"))
        bench.broker.drain()
        bench.broker.refuses = lambda topic: topic.endswith(("/auth", "/state"))
        bench.publisher.follow({"alice": ALICE})
        await bench.pass_time(1)
        bench.broker.refuses = lambda _: False
        bench.broker.lose()
        left = {TOPICS.account("bob", leaf) for leaf in ("state", "auth")}
        assert bench.about("bob") == left
        assert set(emptied(bench.connect())) == left


async def test_who_comes_back_before_the_broker_does_is_not_removed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(facts("bob"))
        bench.broker.drain()
        bench.broker.lose()
        bench.publisher.follow({"alice": ALICE})
        bench.publisher.follow({"alice": ALICE, "bob": Followed("Bob", discover=False)})
        welcome = bench.connect()
        assert set(emptied(welcome)) == {BOB_DEVICE, TOPICS.account("bob", "preferred")}
        assert bench.broker.stored[TOPICS.account("bob", "availability")] == b"offline"
        bench.publisher.states.update(facts("bob"))
        await bench.pass_time(1)
        assert bench.about("bob") == topics("bob", LEAVES - {"preferred"}) - {BOB_DEVICE}


async def test_a_removal_that_access_rules_refuse_is_tried_at_each_connect(
    tmp_path: Path,
) -> None:
    stored: dict[str, bytes] = {}
    await live(tmp_path, stored)
    bench = Bench(tmp_path, stored=stored)
    bench.broker.refuses = lambda topic: "/bob/" in topic
    bench.publisher.follow({"alice": ALICE})
    bench.connect()
    bench.broker.lose()
    assert TOPICS.account("bob", "state") in emptied(bench.connect())
    async with bench.running():
        await bench.pass_time(10)
    after = Bench(tmp_path, stored=stored)
    after.publisher.follow({"alice": ALICE})
    assert TOPICS.account("bob", "state") in emptied(after.connect())
    assert after.about("bob") == set()


@pytest.mark.parametrize(
    "content", [None, "{ half", '{"accounts": ["+"]}', '{"topics": {"#": {}}}']
)
@pytest.mark.parametrize("discover", [True, False])
async def test_without_its_memory_the_bridge_finds_on_the_broker_who_left(
    tmp_path: Path, content: str | None, *, discover: bool
) -> None:
    stored: dict[str, bytes] = {}
    await live(tmp_path, stored, bob=Followed("Bob", discover=discover))
    memory = tmp_path / "announced.json"
    memory.unlink()
    if content is not None:
        memory.write_text(content, encoding="utf-8")
    stored["presence/account/Ünï/availability"] = b"online"
    bench = await live(tmp_path, stored, bob=None)
    assert bench.about("bob") == set()
    assert bench.about("alice") == topics("alice", LEAVES - {"preferred"})
    assert "presence/account/Ünï/availability" in stored


async def test_the_memory_of_the_last_release_is_understood(tmp_path: Path) -> None:
    old: dict[str, Any] = {
        "topics": {
            BOB_DEVICE: {"busy": "binary_sensor"},
            OLD_DEVICE: {},
        },
        "accounts": ["alice", "bob"],
    }
    (tmp_path / "announced.json").write_text(json.dumps(old), encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    assert set(emptied(bench.connect())) == topics("bob") | {OLD_DEVICE}


async def test_tables_that_an_earlier_release_listed_by_name_go_too(tmp_path: Path) -> None:
    old = {"base": "presence", "accounts": ["alice"], "tables": ["team"], "fresh": ["team"]}
    (tmp_path / "announced.json").write_text(json.dumps(old), encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    assert set(emptied(bench.connect())) == {
        TOPICS.table("team", "auth"),
        TOPICS.table("team", "fresh"),
    }


async def test_a_full_disk_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "state"
    folder.write_text("no folder", encoding="utf-8")
    bench = await live(folder, {})
    assert bench.about("bob") == topics("bob")
    for name in ("announced.json", "today.json"):
        assert caplog.text.count(f"{name} cannot be written") == 1


async def test_the_sign_in_of_a_table_goes_with_its_last_person(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    table = TOPICS.table("team", "auth")
    bench.follow("team_ann", "team_ben", table="team")
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(facts("team_ann"))
        bench.broker.drain()
        bench.follow("team_ben", table="team")
        await bench.pass_time(1)
        assert table in bench.broker.stored
        bench.broker.lose()
        bench.follow("alice")
        assert table in emptied(bench.connect())
        assert table not in bench.broker.stored


async def test_of_thousands_who_left_most_are_removed_after_online(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    crowd = [f"team_p{number}" for number in range(500)]
    bench.follow("alice", *crowd, table="team")
    bench.connect()
    bench.broker.lose()
    bench.follow("alice")
    assert len(emptied(bench.connect())) == REMOVALS_FIRST
    assert not any("team_" in topic for topic in bench.broker.stored)


async def test_nothing_is_emptied_in_home_assistant_that_it_never_heard_of(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.follow("alice", "bob", discover=False)
    async with bench.running():
        bench.connect()
        bench.follow("alice")
        assert BOB_DEVICE not in emptied(await bench.pass_time(1))


async def test_entities_go_before_the_topic_that_they_read(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"bob": SETTABLE})
    async with bench.running():
        bench.connect()
        await bench.pass_time(10)
        bench.publisher.follow({"bob": BOB})
        through = [m for m in await bench.pass_time(2) if "bob" in m.topic]
        (bare,) = [m for m in through if m.topic == BOB_DEVICE]
        assert json.loads(bare.payload)["components"]["preferred_presence"] == {
            "platform": "select"
        }
        assert emptied(through) == []
        through = [m for m in await bench.pass_time(3) if "bob" in m.topic]
        assert [m.topic for m in through] == [BOB_DEVICE, TOPICS.account("bob", "preferred")]
        assert "preferred_presence" not in through[0].payload.decode()
        assert emptied(through) == [TOPICS.account("bob", "preferred")]


@pytest.mark.parametrize("away", ["connection", "restart"])
async def test_entities_go_also_when_the_broker_was_away_meanwhile(
    tmp_path: Path, away: str
) -> None:
    stored: dict[str, bytes] = {}
    bench = Bench(tmp_path, stored=stored)
    bench.publisher.follow({"bob": SETTABLE})
    async with bench.running():
        bench.connect()
        await bench.pass_time(10)
        bench.broker.lose()
        if away == "connection":
            bench.publisher.follow({"bob": BOB})
            await bench.pass_time(5)
            welcome = bench.connect()
            await bench.pass_time(5)
    if away == "restart":
        bench = Bench(tmp_path, stored=stored)
        bench.publisher.follow({"bob": BOB})
        async with bench.running():
            welcome = bench.connect()
            await bench.pass_time(5)
    (bare,) = [m for m in welcome if m.topic == BOB_DEVICE]
    assert json.loads(bare.payload)["components"]["clear_presence"] == {"platform": "button"}
    assert "clear_presence" not in stored[BOB_DEVICE].decode()
    assert TOPICS.account("bob", "preferred") not in stored


async def test_a_changed_account_is_announced_once_and_the_others_not_at_all(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": BOB})
    async with bench.running():
        bench.connect()
        await bench.pass_time(10)
        bench.publisher.follow({"alice": ALICE, "bob": Followed("Robert")})
        bench.publisher.follow({"alice": ALICE, "bob": Followed("Robert")})
        through = await bench.pass_time(10)
    assert [m.topic for m in through if m.topic.startswith("homeassistant/")] == [BOB_DEVICE]


async def test_discovery_that_is_wanted_no_more_is_taken_back(tmp_path: Path) -> None:
    stored: dict[str, bytes] = {}
    await live(tmp_path, stored)
    bench = Bench(tmp_path, stored=stored, homeassistant=False)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    bench.connect()
    assert not any(topic.startswith("homeassistant/") for topic in stored)
    assert bench.about("alice") == topics("alice", LEAVES - {"preferred"}) - {ALICE_DEVICE}


async def test_an_entity_that_a_release_gave_up_goes_in_two_steps(tmp_path: Path) -> None:
    bridge = TOPICS.bridge_config()
    old = {"topics": {bridge: {"mood": "sensor"}, ALICE_DEVICE: {"mood": "sensor"}}}
    (tmp_path / "announced.json").write_text(json.dumps(old), encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    async with bench.running():
        welcome = bench.connect()
        for topic in (bridge, ALICE_DEVICE):
            (bare,) = [m for m in welcome if m.topic == topic]
            assert json.loads(bare.payload)["components"]["mood"] == {"platform": "sensor"}
        assert [m for m in await bench.pass_time(1) if m.topic == bridge] == []
        finals = {m.topic: m for m in await bench.pass_time(5) if "homeassistant" in m.topic}
        assert finals.keys() == {bridge, ALICE_DEVICE}
        assert not any(b'"mood"' in message.payload for message in finals.values())
        bench.broker.lose()
        assert not any(b'"mood"' in message.payload for message in bench.connect())


async def test_an_entity_that_changes_its_platform_goes_in_two_steps(tmp_path: Path) -> None:
    old = {"topics": {ALICE_DEVICE: {"busy": "sensor", "status": "sensor"}}}
    (tmp_path / "announced.json").write_text(json.dumps(old), encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    async with bench.running():
        (bare,) = [m for m in bench.connect() if m.topic == ALICE_DEVICE]
        components = json.loads(bare.payload)["components"]
        assert components["busy"] == {"platform": "sensor"}
        assert components["status"]["name"] == "Status"
        (final,) = [m for m in await bench.pass_time(5) if m.topic == ALICE_DEVICE]
        assert json.loads(final.payload)["components"]["busy"]["platform"] == "binary_sensor"
        bench.broker.lose()
        bench.connect()
        assert await bench.pass_time(5) == []


async def test_the_buttons_of_an_app_go_in_two_steps(tmp_path: Path) -> None:
    old = {"topics": {ALICE_DEVICE: {"signin": "button", "signin_code": "sensor"}}}
    (tmp_path / "announced.json").write_text(json.dumps(old), encoding="utf-8")
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE})
    async with bench.running():
        (bare,) = [m for m in bench.connect() if m.topic == ALICE_DEVICE]
        assert json.loads(bare.payload)["components"]["signin"] == {"platform": "button"}
        (final,) = [m for m in await bench.pass_time(5) if m.topic == ALICE_DEVICE]
        assert not {"signin", "signin_code"} & json.loads(final.payload)["components"].keys()


async def test_a_refused_last_step_keeps_nobody_else_on_the_broker(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow({"alice": ALICE, "bob": SETTABLE})
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(facts("alice"))
        await bench.pass_time(1)
        bench.publisher.follow({"alice": ALICE, "bob": BOB})
        await bench.pass_time(1)
        bench.broker.refuses = lambda topic: topic == BOB_DEVICE
        await bench.pass_time(5)
        bench.publisher.follow({"bob": BOB})
        sent = await bench.pass_time(5)
        assert bench.about("alice") == set()
        assert len([m for m in sent if m.topic == BOB_DEVICE]) == 1


async def test_nothing_is_left_below_a_base_topic_that_was_changed(tmp_path: Path) -> None:
    stored: dict[str, bytes] = {}
    await live(tmp_path, stored)
    stored |= {TOPICS.bridge_state: b"offline", "presence/driver/desk/state": b"online"}
    bench = Bench(tmp_path, stored=stored, base="office/people")
    bench.publisher.follow({"alice": ALICE})
    bench.connect()
    assert [topic for topic in stored if topic.startswith("presence/")] == [
        "presence/driver/desk/state"
    ]
    assert [topic for topic in stored if topic.startswith("homeassistant/")] == [
        "homeassistant/device/office_people_bridge/config",
        "homeassistant/device/office_people_account_alice/config",
    ]
    bench.broker.lose()
    assert emptied(bench.connect()) == []
