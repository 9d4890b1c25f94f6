"""Why a lamp shows what it shows: the rule that won, and those that lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.light import Can
from drivers.rules.choose import LISTED
from tests.fakes.light import ReadableFakeLight
from tests.unit.drivers.bench import LIGHT, Bench


def lost(bench: Bench) -> list[str]:
    return [
        f"{each['rule']} ({each['account']}): {each['because']}"
        for each in bench.broker.json(f"{LIGHT}/why")["lost"]
    ]


def why(bench: Bench) -> Any:
    return bench.broker.json(f"{LIGHT}/why")


async def test_it_names_what_won_what_lost_and_what_was_known(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=["alice", "bob"])
    bench.person("busy/in_a_call")
    bench.person("available", "bob")
    async with bench.running():
        await bench.clock.advance(1)
        found = why(bench)
        assert found["won"] == {"rule": "activity in_a_call", "account": "alice", "because": None}
        assert lost(bench) == [
            "availability busy (alice): the activity comes first",
            "availability available (bob): somebody busier comes first",
        ]
        assert found["followed"] == [
            {
                "account": "alice",
                "availability": "busy",
                "activity": "in_a_call",
                "fresh": True,
                "signed_in": True,
            },
            {
                "account": "bob",
                "availability": "available",
                "activity": "available",
                "fresh": True,
                "signed_in": True,
            },
        ]
        assert found["look"]["color"] == [255, 0, 0]
        assert found["can"] == [*Can]


async def test_it_is_published_when_it_changes_and_only_then(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=["alice", "bob"])
    for account in ("alice", "bob"):
        bench.person("busy/in_a_call" if account == "alice" else "available", account)
    async with bench.running():
        await bench.clock.advance(10)
        bench.broker.heard.clear()
        for at_s in range(5):
            bench.state("busy/in_a_call", at_s=at_s)
            await bench.clock.advance(2)
        assert not bench.broker.heard
        bench.state("away", "bob", at_s=60)
        await bench.clock.advance(2)
        assert [message.topic for message in bench.broker.heard] == [f"{LIGHT}/why"]
        assert bench.broker.heard[0].retain
        assert "availability away (bob): somebody busier comes first" in lost(bench)


@pytest.mark.parametrize(
    ("presence", "more", "expected"),
    [
        ("busy", {}, []),
        ("busy/other", {}, ["activity other (alice): it has no look"]),
        ("busy_idle/inactive", {}, ["activity inactive (alice): the availability says more"]),
        (
            "available/available",
            {"out_of_office": "ON"},
            ["availability available (alice): out of office comes first"],
        ),
        (
            "other/other",
            {},
            ["availability other (alice): it has no look"],
        ),
    ],
)
async def test_within_one_person_it_says_which_word_came_first(
    tmp_path: Path, presence: str, more: dict[str, str], expected: list[str]
) -> None:
    bench = Bench(tmp_path)
    bench.person(presence, **more)
    async with bench.running():
        await bench.clock.advance(1)
        assert lost(bench) == expected


async def test_trouble_and_hours_and_a_bridge_that_is_gone_come_before_presence(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.broker.tell("presence/account/alice/sign_in", "needed")
        await bench.clock.advance(1)
        assert lost(bench) == ["availability busy (alice): sign-in needed"]
        assert not why(bench)["followed"][0]["signed_in"]
        bench.broker.tell("presence/account/alice/sign_in", "signed_in")
        bench.broker.tell("presence/account/alice/availability", "offline")
        await bench.clock.advance(1)
        assert lost(bench) == ["availability busy (alice): no fresh presence"]
        assert not why(bench)["followed"][0]["fresh"]
        bench.broker.tell("presence/account/alice/availability", "online")
        bench.bridge("offline")
        await bench.clock.advance(60)
        assert why(bench)["won"]["rule"] == "the bridge is gone"
        assert lost(bench) == ["availability busy (alice): the bridge is gone"]


@pytest.mark.parametrize(("outside", "left"), [("keep", "as_it_is"), ("give_back", "given_back")])
async def test_outside_of_the_hours_it_says_so_and_whether_it_is_left(
    tmp_path: Path, outside: str, left: str
) -> None:
    bench = Bench(tmp_path, zone="UTC", schedule={"hours": "20:00-21:00", "outside": outside})
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(1)
        assert why(bench)["won"]["rule"].startswith("outside of the schedule: ")
        assert lost(bench) == ["availability busy (alice): outside of the schedule"]
        assert (why(bench)["look"], why(bench)["left"]) == (None, left)


async def test_a_hand_comes_before_presence_and_says_since_when(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"color": {"r": 1, "g": 2, "b": 3}})
        await bench.clock.advance(1)
        found = why(bench)
        assert found["won"]["rule"] == "set by hand"
        assert (found["since"], found["until"]) == ("2026-11-23T09:00:00.100000Z", None)
        assert lost(bench) == ["availability busy (alice): set by hand"]
        bench.command({"state": "OFF", "for_s": 60})
        await bench.clock.advance(1)
        assert why(bench)["won"]["rule"] == "switched off by hand"
        assert why(bench)["until"] == "2026-11-23T09:01:01.100000Z"


async def test_others_who_are_respected_come_before_presence(tmp_path: Path) -> None:
    bench = Bench(tmp_path, respect_others=True)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(1)
        assert isinstance(bench.light, ReadableFakeLight)
        bench.light.touched = True
        await bench.clock.advance(10)
        assert why(bench)["won"]["rule"] == "changed by somebody else, until presence changes"
        assert "availability busy (alice)" in lost(bench)[0]
        bench.light.touched = False
        bench.person("available")
        await bench.clock.advance(1)
        assert why(bench)["won"]["rule"] == "availability available"


async def test_of_very_many_people_the_busiest_are_listed_and_the_others_counted(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, follow=[])
    for number in range(50):
        bench.person("busy" if number == 7 else "away", f"a-person-with-a-long-name-{number:02}")
    async with bench.running():
        await bench.clock.advance(1)
        found = why(bench)
        assert len(found["followed"]) == LISTED
        assert found["more"] == 50 - LISTED
        assert found["followed"][0]["account"] == "a-person-with-a-long-name-07"
        assert len(json.dumps(found)) < 4096


async def test_it_holds_no_code_and_no_message_of_anybody(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy", status_message="at the dentist")
    auth = {"state": "device_code_pending", "user_code": "ABCDEFG", "verification_uri": "https://x"}
    bench.broker.tell("presence/account/alice/auth", auth)
    async with bench.running():
        await bench.clock.advance(1)
        text = bench.broker.text(f"{LIGHT}/why")
        assert "dentist" not in text
        assert "ABCDEFG" not in text
