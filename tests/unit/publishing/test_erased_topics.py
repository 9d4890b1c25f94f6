"""What others erase or overwrite where no beat repeats it is put back; what is theirs is left."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.contract.account import AccountFacts, Followed
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.topics import Topics
from bridge.contract.wire import Message
from bridge.publishing.account_states import UNREPEATED
from bridge.publishing.announcements import DEVICES_A_BEAT
from bridge.publishing.beats import BEAT_S
from bridge.publishing.outgoing import MANY
from tests.unit.publishing.bench import ALICE, IN, Bench, facts

TOPICS = Topics()
DEVICE, BRIDGE = TOPICS.account_config("alice"), TOPICS.bridge_config()
FOREIGN = "homeassistant/device/zigbee_lamp/config"
CROWD = {f"team_p{n}": Followed("P", table="team") for n in range(MANY + 1)}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    built.publisher.follow({"alice": ALICE})
    return built


async def settled(bench: Bench) -> None:
    """All is said, and the look for leftovers is over."""
    bench.connect()
    for slug in bench.publisher._out.followed:
        bench.publisher.states.update(facts(slug))
    await bench.pass_time(20)


def in_a_call(account: str) -> AccountFacts:
    return replace(facts(account), presence=Presence(Availability.BUSY, Activity.IN_A_CALL))


def on(topic: str, messages: list[Message]) -> list[Message]:
    return [message for message in messages if message.topic == topic]


@pytest.mark.parametrize("topic", [DEVICE, BRIDGE])
@pytest.mark.parametrize("payload", [b"", b"garbage", b'{"device":{"identifiers":["old"]}}'])
async def test_discovery_that_is_erased_or_changed_is_back_within_a_beat_once(
    bench: Bench, topic: str, payload: bytes
) -> None:
    async with bench.running():
        await settled(bench)
        truth = bench.broker.stored[topic]
        bench.broker.put(topic, payload)
        soon = await bench.pass_time(5)
        assert on(topic, soon) == [], "Home Assistant is still deleting it"
        through = await bench.pass_time(60)
        assert [m.payload for m in on(topic, through)] == [truth]
        assert bench.broker.stored[topic] == truth


async def test_discovery_that_is_erased_unheard_is_back_with_the_beats(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    slugs = [f"p{number}" for number in range(2 * DEVICES_A_BEAT)]
    bench.follow(*slugs, discover=True)
    async with bench.running():
        await settled(bench)
        topics = {TOPICS.account_config(slug) for slug in slugs}
        for topic in (*topics, BRIDGE):
            del bench.broker.stored[topic]
        for _ in range(2):
            sent = await bench.pass_time(BEAT_S)
            assert len([m for m in sent if m.topic in topics]) == DEVICES_A_BEAT
            assert BRIDGE in bench.broker.stored
        assert topics < bench.broker.stored.keys()


async def test_discovery_erased_while_leftovers_are_looked_for_is_back_too(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        await bench.pass_time(4)
        bench.broker.put(DEVICE, b"")
        await bench.pass_time(30)
        assert bench.broker.stored[DEVICE]


async def test_what_is_not_ours_is_left_as_it_is(bench: Bench) -> None:
    theirs = {
        FOREIGN: b'{"origin":{"name":"Zigbee"}}',
        "homeassistant/device/presence_account_bob/config": b"",
        "presence/notes": b"of somebody",
        "presence/account/alice/nickname": b"Al",
        "presence/driver/desk/light/state": b"{}",
    }
    async with bench.running():
        await settled(bench)
        before = dict(bench.broker.stored)
        for topic, payload in theirs.items():
            bench.broker.put(topic, payload)
        through = await bench.pass_time(BEAT_S + 10)
    assert not {message.topic for message in through} & theirs.keys()
    assert bench.broker.stored == before | theirs | {
        topic: bench.broker.stored[topic] for topic in (TOPICS.bridge_state, TOPICS.bridge_info)
    }


async def test_our_own_word_that_comes_back_is_no_news(bench: Bench) -> None:
    """As MQTT 3.1.1 does it; the bench always gives back what it was given."""
    async with bench.running():
        await settled(bench)
        bench.publisher.follow({"alice": replace(ALICE, settable=True)})
        bench.publisher.follow({"alice": ALICE})
        through = await bench.pass_time(60)
    payloads = [message.payload for message in on(DEVICE, through)]
    assert len(payloads) == len(set(payloads)), "nothing is answered"


async def test_who_left_is_not_announced_when_the_removal_comes_back(bench: Bench) -> None:
    async with bench.running():
        await settled(bench)
        bench.publisher.follow({"bob": Followed("Bob")})
        await bench.pass_time(30)
        bench.broker.put(DEVICE, b"")
        assert not any(m.payload for m in on(DEVICE, await bench.pass_time(BEAT_S)))


async def test_without_home_assistant_nothing_is_listened_to(tmp_path: Path) -> None:
    bench = Bench(tmp_path, homeassistant=False)
    bench.publisher.follow({"alice": ALICE})
    async with bench.running():
        await settled(bench)
        assert not [topic for topic in bench.broker.subscribed if topic.startswith("home")]


async def test_one_of_thousands_is_restored_within_a_beat(tmp_path: Path) -> None:
    bench = Bench(tmp_path, homeassistant=False)
    bench.publisher.follow(CROWD)
    leaves = [leaf for leaf in UNREPEATED if leaf != "preferred"]
    async with bench.running():
        await settled(bench)
        bench.publisher.states.update(in_a_call("team_p700"))  # else nothing is counted
        await bench.pass_time(20)
        for leaf in leaves:
            topic = TOPICS.account("team_p700", leaf)
            truth = bench.broker.stored[topic]
            bench.broker.put(topic, b"" if leaf != "sign_in" else b"needed")
            await bench.pass_time(30)
            assert bench.broker.stored[topic] == truth, leaf
        bench.publisher.follow({"alice": ALICE})
        watched = {TOPICS.account("+", leaf) for leaf in leaves}
        assert not watched & bench.broker.subscribed.keys(), "beats do it for few"


async def test_a_change_that_is_still_coming_back_is_not_answered(tmp_path: Path) -> None:
    bench = Bench(tmp_path, homeassistant=False)
    bench.publisher.follow(CROWD)
    topic = TOPICS.account("team_p700", "availability")
    async with bench.running():
        await settled(bench)
        for fresh in (False, True, False):
            bench.publisher.states.update(replace(facts("team_p700"), fresh=fresh, sign_in=IN))
        through = await bench.pass_time(60)
    assert [m.payload for m in on(topic, through)] == [b"offline", b"online", b"offline"]


async def test_who_contradicts_for_ever_is_reported_once_and_answered_once_a_minute(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    theirs = json.dumps({"device": {"identifiers": ["theirs"]}}).encode()
    async with bench.running():
        await settled(bench)
        await fought(bench, theirs, for_s=200)
        answers = await fought(bench, theirs, for_s=1200)
        assert 25 <= answers <= 32, "ten of them are beats"
        assert bench.broker.stored[DEVICE] == theirs
        await bench.pass_time(80)
        assert bench.broker.stored[DEVICE] != theirs, "the last word is ours, within a beat"
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert line.startswith(f"somebody else keeps writing on {DEVICE}: look for a second bridge")


async def fought(bench: Bench, payload: bytes, *, for_s: float) -> int:
    """Somebody contradicts each answer at once; how many answers there were."""
    answers = 0
    for _ in range(int(for_s / 5)):
        bench.broker.put(DEVICE, payload)
        await bench.clock.advance(5)
        answers += len(on(DEVICE, bench.broker.drain()))
    bench.broker.put(DEVICE, payload)
    return answers
