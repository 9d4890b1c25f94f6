"""What random stories found, each as the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.world.options import Options
from tests.world.play import play
from tests.world.story import Step


def well(*steps: Step, **options: Any) -> None:
    verdict = play(Options(0, **options), steps)
    assert verdict.problem is None, verdict


def test_a_sign_in_state_that_somebody_erases_is_republished() -> None:
    well(Step(100, "overwrite", "person0", "auth erase"), faults=("eraser",))


def test_a_sign_in_state_of_before_that_comes_back_is_answered() -> None:
    well(Step(100, "overwrite", "person0", "auth earlier"), faults=("eraser",))


APART_S = 150
"""What is erased must be back within 120 s: each is judged before the next."""
OURS = (
    "presence/bridge/info",
    "presence/bridge/health",
    "presence/account/alice/attributes",
    "presence/account/alice/availability",
    "presence/account/team_erin/sign_in",
    "presence/table/team/auth",
    "presence/driver/lamp0/state",
    "presence/driver/lamp0/light/state",
    "presence/driver/lamp0/light/rule",
    "presence/driver/lamp0/light/availability",
    "homeassistant/device/presence_bridge/config",
    "homeassistant/device/presence_account_alice/config",
    "homeassistant/device/lamp0/light/config",
    "presence/bridge/state",
)


def erased_in_turn(how: str, topics: Sequence[str]) -> list[Step]:
    return [
        Step(100 + place * APART_S, "erase", "", f"{how} {topic}")
        for place, topic in enumerate(topics)
    ]


@pytest.mark.parametrize("how", ["erase", "earlier"])
def test_whatever_somebody_erases_of_ours_is_back_within_a_beat(how: str) -> None:
    well(*erased_in_turn(how, OURS), watched=2, faults=("eraser",))


@pytest.mark.parametrize("how", ["erase", "earlier"])
def test_what_somebody_erases_of_a_large_table_is_back_too(how: str) -> None:
    leaves = ("account/team_erin/state", "account/team_erin/availability", "table/team/fresh")
    steps = erased_in_turn(how, [f"presence/{leaf}" for leaf in leaves])
    well(*steps, watched=2, large=True, faults=("eraser",))


@pytest.mark.parametrize("memory", ["memory", "no memory"])
def test_a_change_in_a_large_table_while_the_broker_is_away_is_shown(memory: str) -> None:
    well(
        Step(100, "broker", "", memory, 20),
        Step(105, "presence", "team_erin", "Busy/InACall"),
        Step(140, "kill", "bridge", "", 30),
        Step(150, "presence", "team_erin", "Available/Available"),
        watched=2,
        large=True,
        faults=("broker", "kill"),
    )


def test_a_lamp_without_a_disk_obeys_all_the_same() -> None:
    well(
        Step(100, "disk", "lamp0", lasts_s=60),
        Step(110, "light", "lamp0", "dim"),
        faults=("disk",),
    )


def test_who_leaves_while_the_broker_is_away_is_gone_when_it_is_back() -> None:
    well(
        Step(100, "broker", "", "memory", 20),
        Step(105, "leave", "person1", "", 300),
        Step(250, "birth"),
        people=2,
        faults=("broker",),
    )


def test_a_broker_that_lets_nobody_publish_for_a_while_gets_online_afterwards() -> None:
    well(
        Step(100, "broker", "", "no memory", 10),
        Step(105, "refuse", "#", "135", 30),
        Step(140, "birth"),
        faults=("broker", "refuse"),
    )


def test_a_clock_that_is_set_right_does_not_make_a_pause_of_an_hour() -> None:
    well(
        Step(100, "clock", "bridge", "3600"),
        Step(110, "throttle", "graph", "429 120 seconds", 10),
        Step(115, "presence", "person0", "Busy/Busy"),
        faults=("throttle", "clock"),
    )


def test_who_signs_out_while_access_is_refused_can_sign_back_in() -> None:
    well(
        Step(100, "network", "graph", "status 401", 50),
        Step(190, "revoke", "person0", "signout", 20),
        faults=("microsoft", "revoke"),
    )


def test_somebody_new_whom_a_garbled_answer_hides_is_found_soon() -> None:
    well(
        Step(100, "network", "graph", "garbage", 40),
        Step(110, "watch", "", "grace erin"),
        watched=2,
        faults=("microsoft",),
    )


def test_a_code_that_waits_is_shown_also_when_the_clock_is_set_on() -> None:
    well(
        Step(95, "clock", "bridge", "-3600"),
        Step(100, "revoke", "person0", "refresh", 1),
        Step(164, "broker", "", "memory", 64),
        faults=("revoke", "broker", "clock"),
    )


def test_a_lamp_that_missed_online_gets_it_with_the_next_beat() -> None:
    well(
        Step(92, "link", "bridge", "silent", 21),
        Step(98, "presence", "person0", "Busy/InAMeeting"),
        Step(113.6, "link", "lamp0", "deaf", 31),
        faults=("link",),
        latency_ms=150,
        speaks_5=False,
    )


def test_a_reload_during_a_stop_starts_nobody_and_fails_nowhere() -> None:
    well(
        Step(99, "leave", "person1", "", 3),
        Step(100, "link", "bridge", "silent", 20),
        Step(101, "stop", "bridge", "", 12),
        people=2,
        faults=("link", "stop"),
    )


@pytest.mark.parametrize("who", ["person1", "team"])
def test_who_comes_back_while_the_disk_is_away_is_read_soon_after_it_is_back(who: str) -> None:
    well(
        Step(100, "disk", "bridge", lasts_s=60),
        Step(110, "leave", who, lasts_s=3),
        people=2,
        watched=2,
        faults=("disk",),
    )
