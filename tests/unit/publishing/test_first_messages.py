"""What a start costs: each topic of somebody is sent once, whatever comes first."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.contract.account import Followed
from bridge.contract.presence import Availability
from bridge.contract.wire import Message
from bridge.publishing.discovery.newcomers import FIRST_READ_S
from tests.unit.publishing.bench import Bench
from tests.unit.publishing.test_table_freshness import (
    FRESH,
    LARGE,
    SMALL,
    TEAM,
    of_people,
    person,
    read,
    said,
    stored,
)

ORDERS = ["follow connect read", "connect follow read", "follow read connect"]


def once(messages: Iterable[Message]) -> bool:
    return set(Counter(of_people(messages)).values()) == {1}


@pytest.mark.parametrize("order", ORDERS)
async def test_each_topic_of_a_large_table_is_sent_once(tmp_path: Path, order: str) -> None:
    bench = Bench(tmp_path)
    steps: dict[str, Callable[[], object]] = {
        "follow": lambda: bench.publisher.follow(LARGE),
        "connect": bench.connect,
        "read": lambda: read(bench),
    }
    bench.publisher.follow({})
    async with bench.running():
        for step in order.split():
            steps[step]()
            await bench.pass_time(2)
        await bench.pass_time(FIRST_READ_S)
        leaves = {"state", "attributes", "availability", "auth", "sign_in", "status"}
        sent = [topic for topic in of_people(bench.broker.sent) if "today" not in topic]
        assert Counter(sent) == {f"presence/account/{s}/{leaf}": 1 for s in TEAM for leaf in leaves}
        assert stored(bench)["state"] == "online"


@pytest.mark.parametrize("order", ORDERS[:2])
async def test_the_table_is_current_only_when_who_was_not_read_is_marked_so(
    tmp_path: Path, order: str
) -> None:
    bench = Bench(tmp_path, stored={f"presence/account/{s}/availability": b"online" for s in TEAM})
    bench.publisher.follow({})
    async with bench.running():
        for step in order.split()[:2]:
            if step == "follow":
                bench.publisher.follow(LARGE)
            else:
                bench.connect()
        for slug in TEAM[:2]:
            bench.publisher.states.update(person(slug))
        through = await bench.pass_time(FIRST_READ_S / 2)
        assert "online" not in {each["state"] for each in said(through)}
        through = await bench.pass_time(FIRST_READ_S)
        online = next(n for n, m in enumerate(through) if said([m]) and b"online" in m.payload)
        assert "presence/account/team_cy/availability" in of_people(through[:online])
        assert bench.broker.stored["presence/account/team_cy/availability"] == b"offline"


async def test_where_nobody_can_be_read_each_is_marked_so(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        await bench.pass_time(FIRST_READ_S + 5)
        for slug in TEAM:
            assert bench.broker.stored[f"presence/account/{slug}/availability"] == b"offline"
        assert stored(bench)["state"] == "offline"


async def test_a_lost_connection_meanwhile_forgets_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        bench.publisher.states.update(person("team_ann"))
        await bench.pass_time(2)
        bench.broker.lose()
        bench.connect()
        read(bench)
        await bench.pass_time(FIRST_READ_S + 5)
        assert stored(bench)["state"] == "online"
        for slug in TEAM:
            assert bench.broker.stored[f"presence/account/{slug}/availability"] == b"online"


def test_who_is_read_before_their_turn_in_the_backlog_is_not_sent_in_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(SMALL)
    bench.publisher.states.update(person("team_ann"))
    bench.broker.connected = True
    list(bench.broker.welcome())
    backlog = iter(bench.broker.backlog())
    first = next(backlog)
    bench.publisher.states.update(person("team_cy"))
    before, rest = list(bench.broker.waiting), [first, *backlog]
    assert {m.topic.split("/")[2] for m in before if "/account/" in m.topic} == {"team_cy"}
    of_cy = [topic for topic in of_people([*before, *rest]) if "team_cy" in topic]
    assert len(of_cy) == len(set(of_cy))
    assert {"team_ann", "team_ben"} <= {topic.split("/")[2] for topic in of_people(rest)}


@pytest.mark.parametrize(("before", "after"), [(SMALL, LARGE), (LARGE, SMALL)])
async def test_a_table_that_has_another_size_after_a_restart_leaves_nothing_of_the_other_shape(
    tmp_path: Path, before: dict[str, Followed], after: dict[str, Followed]
) -> None:
    """Small is also how the last release said it."""
    left: dict[str, bytes] = {}
    for life, people in enumerate((before, after)):
        bench = Bench(tmp_path, stored=left)
        bench.publisher.follow(people)
        async with bench.running():
            bench.connect()
            read(bench, epoch=7 + life)
            await bench.pass_time(FIRST_READ_S)
        left = bench.broker.stored
    is_large = after is LARGE
    assert (FRESH in left) == is_large
    for slug in TEAM:
        state = json.loads(left[f"presence/account/{slug}/state"])
        assert (state["table"], bool(state["valid_until"])) == (
            ("team", False) if is_large else (None, True)
        )
        assert left[f"presence/account/{slug}/availability"] == b"online"


async def test_who_is_removed_while_the_broker_is_away_is_gone_and_the_others_are_current(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(2)
        bench.broker.lose()
        bench.publisher.states.update(person("team_cy", Availability.BUSY, after_s=5))
        bench.publisher.follow({slug: LARGE[slug] for slug in TEAM[:2]})
        bench.publisher.states.update(person("team_ann", Availability.BUSY, after_s=5))
        bench.connect()
        await bench.pass_time(FIRST_READ_S)
        assert not bench.about("team_cy")
        assert not [topic for topic in bench.broker.stored if "team_cy" in topic]
        assert stored(bench)["state"] == "online"
        assert stored(bench, "presence/account/team_ann/state")["availability"] == "busy"


async def test_who_moves_from_a_large_table_to_a_small_one_says_it_alone(tmp_path: Path) -> None:
    """Whoever two tables name belongs to the one that names them first; then that one goes."""
    bench = Bench(tmp_path)
    bench.publisher.follow(LARGE)
    async with bench.running():
        bench.connect()
        read(bench)
        await bench.pass_time(2)
        alone = replace(LARGE["team_cy"], table="few", shares=False)
        bench.publisher.follow({**LARGE, "team_cy": alone})
        bench.publisher.states.update(person("team_cy", after_s=5))
        await bench.pass_time(FIRST_READ_S)
        state = stored(bench, "presence/account/team_cy/state")
        assert (state["table"], bool(state["valid_until"])) == (None, True)
        assert stored(bench)["state"] == "online", "of the others"
        bench.publisher.follow(LARGE)
        bench.publisher.states.update(person("team_cy", after_s=10))
        await bench.pass_time(FIRST_READ_S)
        assert stored(bench, "presence/account/team_cy/state")["table"] == "team"
        assert "presence/table/few/fresh" not in bench.broker.stored
