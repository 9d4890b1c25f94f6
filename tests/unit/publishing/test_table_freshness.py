"""People of a large table: sent on change alone, and what is said of all of them at once."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.account import SIGNED_OUT, AccountFacts, Followed
from bridge.contract.presence import Availability
from bridge.contract.wire import Message
from bridge.publishing.beats import BEAT_S
from bridge.publishing.discovery.newcomers import FIRST_READ_S
from bridge.publishing.table_returns import MISSING_S
from tests.unit.publishing.bench import NOW, Bench, facts

FRESH = "presence/table/team/fresh"
ANN = "presence/account/team_ann/state"
TEAM = ("team_ann", "team_ben", "team_cy")
LARGE = {slug: Followed(slug, discover=False, table="team", shares=True) for slug in TEAM}
SMALL = {slug: replace(account, shares=False) for slug, account in LARGE.items()}


def read(bench: Bench, *, after_s: float = 0.0, epoch: int = 7, **changed: Availability) -> None:
    """Microsoft has answered: nobody changed but who is named."""
    for slug in TEAM:
        bench.publisher.states.update(person(slug, changed.get(slug), after_s, epoch))


def person(
    slug: str, availability: Availability | None = None, after_s: float = 0.0, epoch: int = 7
) -> AccountFacts:
    polled_at = NOW + timedelta(seconds=after_s)
    known = facts(slug, availability or Availability.AVAILABLE, epoch=epoch)
    return replace(known, polled_at=polled_at, valid_until=polled_at + timedelta(minutes=5))


def said(messages: Iterable[Message]) -> list[dict[str, Any]]:
    return [json.loads(m.payload) for m in messages if m.topic == FRESH and m.payload]


def stored(bench: Bench, topic: str = FRESH) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(bench.broker.stored[topic])
    return told


def of_people(messages: Iterable[Message]) -> list[str]:
    return [message.topic for message in messages if "/account/" in message.topic]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    built.publisher.follow(LARGE)
    return built


async def test_a_read_without_change_is_one_message_however_many_there_are(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        read(bench, after_s=30)
        through = await bench.pass_time(1)
        assert [message.topic for message in through] == [FRESH]
        assert said(through)[0] | {"problem": None} == {
            "state": "online",
            "polled_at": "2026-11-23T09:00:30+00:00",
            "valid_until": "2026-11-23T09:05:30+00:00",
            "epoch": 7,
            "problem": None,
        }
        quiet = await bench.pass_time(3 * BEAT_S)
        assert not of_people(quiet)
        assert said(quiet), "the beat repeats it"


async def test_who_changes_is_sent_and_names_the_table(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        read(bench, after_s=5, team_ann=Availability.BUSY)
        through = await bench.pass_time(1)
        assert {topic.split("/")[2] for topic in of_people(through)} == {"team_ann"}
        state = stored(bench, ANN)
        assert (state["availability"], state["table"], state["valid_until"]) == (
            "busy",
            "team",
            None,
        )
        assert state["polled_at"] == "2026-11-23T09:00:05+00:00"
        assert stored(bench, ANN.replace("state", "attributes"))["table"] == "team"
        expiries = {m.topic: m.expiry_s for m in through}
        assert expiries[ANN] is None, "what is true must not expire"
        assert expiries[FRESH]


async def test_an_epoch_that_comes_with_a_connection_sends_nobody_a_second_time(
    bench: Bench,
) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        bench.broker.lose()
        read(bench, after_s=5, epoch=8)
        before = len(bench.broker.sent)
        bench.connect()
        await bench.pass_time(2 * BEAT_S)
        sent = of_people(bench.broker.sent[before:])
        states = [topic for topic in sent if topic.endswith("/state")]
        assert states == [ANN.replace("team_ann", slug) for slug in TEAM]
        assert stored(bench, ANN)["epoch"] == 8


async def test_after_a_start_all_are_sent_before_the_table_is_current(bench: Bench) -> None:
    read(bench)
    welcome = bench.connect()
    assert said(welcome)[0]["state"] == "offline", "an older life's online is not true any more"
    sent = bench.broker.sent
    online = next(n for n, m in enumerate(sent) if said([m]) and said([m])[0]["state"] == "online")
    assert {m.topic.split("/")[2] for m in sent[:online] if m.topic.endswith("/availability")} == {
        *TEAM
    }


async def test_after_a_lost_connection_only_what_was_lost_comes_first(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        bench.broker.lose()
        read(bench, after_s=60, team_cy=Availability.BUSY)
        before = len(bench.broker.sent)
        assert said(bench.connect())[0]["state"] == "offline"
        sent = bench.broker.sent[before:]
        online = next(
            n for n, m in enumerate(sent) if said([m]) and said([m])[0]["state"] == "online"
        )
        assert {topic.split("/")[2] for topic in of_people(sent[:online])} == {"team_cy"}
        assert {topic.split("/")[2] for topic in of_people(sent)} == {*TEAM}


async def test_where_nothing_was_lost_the_table_stays_current(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        bench.broker.lose()
        assert [each["state"] for each in said(bench.connect())] == ["online"]


async def test_a_change_that_waited_for_room_when_the_way_was_lost_is_not_forgotten(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, most=1)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(5)
        for slug in TEAM:
            bench.publisher.states.update(person(slug, Availability.BUSY, after_s=5))
        bench.broker.lose()
        assert said(bench.connect())[0]["state"] == "offline"
        assert stored(bench)["state"] == "online"
        assert stored(bench, "presence/account/team_cy/state")["availability"] == "busy"


async def test_a_table_that_is_not_read_any_more_says_so_first(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        problem = "Microsoft does not answer."
        bench.publisher.freshness.note_problems({"team": problem})
        (told,) = said(await bench.pass_time(1))
        assert (told["state"], told["problem"]) == ("online", problem)
        for slug in TEAM:
            bench.publisher.states.update(replace(person(slug), fresh=False))
        through = await bench.pass_time(1)
        assert said(through)[0]["state"] == "offline"
        assert bench.broker.stored["presence/account/team_ben/availability"] == b"offline"


async def test_a_sign_in_that_ends_ends_the_table(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        for slug in TEAM:
            bench.publisher.states.update(replace(person(slug), fresh=False, sign_in=SIGNED_OUT))
        await bench.pass_time(1)
        assert stored(bench)["state"] == "offline"


async def test_one_who_is_missing_does_not_end_the_table(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        for slug in TEAM[:2]:
            bench.publisher.states.update(person(slug, after_s=600))
        bench.publisher.states.update(replace(person("team_cy"), fresh=False))
        await bench.pass_time(1)
        assert stored(bench)["state"] == "online"
        assert bench.broker.stored["presence/account/team_cy/availability"] == b"offline"


async def test_everybody_is_known_with_the_times_of_the_table(bench: Bench) -> None:
    read(bench)
    read(bench, after_s=90)
    polled = {known.polled_at for _, known in bench.publisher.states.everybody()}
    assert polled == {NOW + timedelta(seconds=90)}


async def test_a_clock_that_was_set_back_resends_all_as_a_beat(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        read(bench, after_s=-600, epoch=8)
        assert stored(bench, ANN)["epoch"] == 7
        await bench.pass_time(15)
        assert (stored(bench, ANN)["epoch"], stored(bench)["epoch"]) == (8, 8)
        assert not of_people(await bench.pass_time(2 * BEAT_S)), "once is enough"


async def test_a_table_that_grows_is_current_all_the_while(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(SMALL)
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(BEAT_S)
        read(bench, after_s=100)
        bench.publisher.follow(LARGE)
        through = await bench.pass_time(15)
        assert {each["state"] for each in said(through)} == {"online"}
        assert stored(bench, ANN)["table"] == "team"
        place = [message.topic for message in through].index(ANN)
        assert said(through[:place]), "until when comes before who"
        assert not of_people(await bench.pass_time(2 * BEAT_S))


@pytest.mark.parametrize("beaten", ["smaller", "told to"])
async def test_a_table_that_shrinks_has_each_say_it_and_its_own_word_is_taken_away(
    bench: Bench, beaten: str
) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
        read(bench, after_s=3600)
        bench.publisher.follow(SMALL if beaten == "told to" else dict(list(SMALL.items())[:2]))
        await bench.pass_time(15)
        assert FRESH not in bench.broker.stored
        state = stored(bench, ANN)
        assert (state["table"], state["valid_until"]) == (None, "2026-11-23T10:05:00+00:00")
        assert ANN in of_people(await bench.pass_time(BEAT_S + 10))
        assert ("team_cy" in str(bench.broker.stored.keys())) == (beaten == "told to")


async def test_a_table_that_is_taken_out_while_the_bridge_is_down_leaves_nothing(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(1)
    left = bench.broker.stored
    bench = Bench(tmp_path, stored=left)
    bench.publisher.follow({})
    async with bench.running():
        bench.connect()
        await bench.pass_time(10)
    assert not [topic for topic in left if "team" in topic]


async def test_who_leaves_while_the_table_is_not_read_is_taken_away(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        for slug in TEAM:
            bench.publisher.states.update(replace(person(slug), fresh=False))
        await bench.pass_time(1)
        bench.broker.lose()
        bench.publisher.follow({slug: LARGE[slug] for slug in TEAM[:2]})
        bench.connect()
        await bench.pass_time(5)
        assert not bench.about("cy")
        assert stored(bench)["state"] == "offline"


async def test_people_who_come_while_the_broker_is_there_are_announced_before_they_are_current(
    tmp_path: Path,
) -> None:
    """A group is read first when the bridge runs; of an older life they may be online still."""
    bench = Bench(tmp_path)
    bench.publisher.follow({})
    async with bench.running():
        bench.connect()
        bench.publisher.follow(LARGE)
        bench.publisher.states.update(person("team_ann"))
        through = await bench.pass_time(FIRST_READ_S + 5)
        states = [each["state"] for each in said(through)]
        assert (states[0], states[-1]) == ("offline", "online")
        place = next(n for n, m in enumerate(through) if said([m]) and b"online" in m.payload)
        told = {m.topic for m in through[:place] if m.topic.endswith("/availability")}
        assert len(told) == len(TEAM)


async def test_rules_that_refuse_the_table_keep_the_beat_and_that_is_said_once(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.broker.refuses = lambda topic: topic == FRESH
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(MISSING_S + 20)
        state = stored(bench, ANN)
        assert (state["table"], bool(state["valid_until"])) == (None, True)
        assert ANN in of_people(await bench.pass_time(2 * BEAT_S))
        bench.broker.lose()
        bench.connect()
        await bench.pass_time(2 * BEAT_S)
        assert caplog.text.count(FRESH) == 1
        bench.broker.refuses = lambda _: False
        await bench.pass_time(BEAT_S + 20)
        assert stored(bench, ANN)["table"] == "team", "who mends the rules need not restart"


async def test_what_waits_for_room_is_not_taken_for_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, most=1)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        await bench.pass_time(5)
        read(bench)
        for slug in TEAM:
            bench.publisher.states.update(person(slug, Availability.BUSY, after_s=5))
        await bench.clock.advance(2 * MISSING_S)
        await bench.clock.advance(2 * MISSING_S)
        assert FRESH not in caplog.text


async def test_a_process_that_did_not_get_to_run_does_not_blame_the_broker(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.broker.refuses = lambda topic: topic == FRESH
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(6)
        bench.clock.stall(2 * MISSING_S)
        await bench.pass_time(6)
        assert FRESH not in caplog.text
        await bench.pass_time(MISSING_S + 20)
        assert FRESH in caplog.text


async def test_a_problem_that_goes_on_is_not_taken_for_a_refusal(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.running():
        bench.connect()
        read(bench)
        problems = {"team": "Microsoft does not answer."}
        bench.publisher.freshness.note_problems(problems)
        await bench.pass_time(1)
        bench.publisher.freshness.note_problems(problems)
        await bench.pass_time(MISSING_S + 20)
        assert FRESH not in caplog.text


async def test_what_others_erase_of_somebody_is_back_without_a_beat(bench: Bench) -> None:
    async with bench.running():
        bench.connect()
        await bench.pass_time(10)
        read(bench)
        await bench.pass_time(5)
        before = bench.broker.stored[ANN]
        for topic in (ANN, ANN.replace("state", "attributes")):
            bench.broker.put(topic, b"")
        await bench.pass_time(15)
        assert bench.broker.stored[ANN] == before
        assert bench.broker.stored[ANN.replace("state", "attributes")]


@pytest.mark.parametrize("was_sent", [True, False])
async def test_who_changes_while_all_are_sent_for_the_first_time_goes_first(
    tmp_path: Path, *, was_sent: bool
) -> None:
    bench = Bench(tmp_path, most=1)
    crowd = {f"team_p{number}": LARGE["team_ann"] for number in range(50)}
    bench.publisher.follow(crowd)
    async with bench.running():
        bench.connect()
        await bench.pass_time(5)
        for slug in crowd:
            bench.publisher.states.update(person(slug))
        who = "team_p0" if was_sent else "team_p49"
        bench.publisher.states.update(person(who, Availability.BUSY, after_s=5))
        through = [m for _ in range(50) for m in await bench.pass_time(10)]
    states = [m for m in through if "/account/" in m.topic and m.topic.endswith("/state")]
    place = next(n for n, m in enumerate(states) if b'"availability":"busy"' in m.payload)
    assert place <= 1, "no more than what was on its way"
    assert crowd.keys() == {message.topic.split("/")[2] for message in states}
