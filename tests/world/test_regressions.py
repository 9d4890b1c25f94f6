"""What random stories found, each as the shortest story that shows it."""

from __future__ import annotations

from typing import Any

from tests.world.options import Options
from tests.world.play import play
from tests.world.story import Step


def well(*steps: Step, **options: Any) -> None:
    verdict = play(Options(0, **options), steps)
    assert verdict.problem is None, verdict


def test_a_sign_in_state_that_somebody_erases_is_told_again() -> None:
    well(Step(100, "overwrite", "person0", "auth erase"), faults=("eraser",))


def test_a_sign_in_state_of_before_that_comes_back_is_answered() -> None:
    well(Step(100, "overwrite", "person0", "auth earlier"), faults=("eraser",))


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


def test_a_broker_that_lets_nobody_publish_for_a_while_hears_online_afterwards() -> None:
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


def test_a_reload_during_a_stop_starts_nobody_and_fails_nowhere() -> None:
    well(
        Step(99, "leave", "person1", "", 3),
        Step(100, "link", "bridge", "silent", 20),
        Step(101, "stop", "bridge", "", 12),
        people=2,
        faults=("link", "stop"),
    )
