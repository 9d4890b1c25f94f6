import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel, Field

from bridge.config.loader import check
from bridge.config.tables.base import ConfigPath, Settings
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError
from bridge.contract.light import OFF, LightState
from drivers.commands.preview import facts_of
from drivers.registry import find
from drivers.rules import DEFAULT_LOOKS, choose
from drivers.settings import Common, read
from tests.fakes.rows import rows

NIGHT = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class LampOptions(Settings):
    """The options of a kind that exists only here."""

    pin: int
    speed: float = Field(default=1.0, gt=0)
    file: ConfigPath | None = None


def config(table: dict[str, Any]) -> Config:
    desk = {"kind": "lamp", **table}
    return check(
        {"time_zone": "UTC", "drivers": {"desk": desk}}, folder=Path("/etc/lamps"), environ={}
    )


def settings(**table: Any) -> tuple[Common, BaseModel]:
    return read(config({"pin": 17, **table}), "desk", LampOptions)


def problems(**table: Any) -> list[str]:
    with pytest.raises(ConfigError) as wrong:
        read(config(table), "desk", LampOptions)
    return wrong.value.problems


def test_common_and_own_keys_are_kept_apart() -> None:
    common, own = settings(follow=["alice", "bob"], brightness=0.5, speed=2, on_exit="off")
    assert common.follow == ("alice", "bob")
    assert (common.brightness, common.on_exit, common.kind) == (0.5, "off", "lamp")
    assert own == LampOptions(pin=17, speed=2)


def test_only_the_kind_is_needed() -> None:
    common, _ = settings()
    assert common == Common(kind="lamp")
    assert common.follow == ()
    assert (common.grace, common.on_exit, common.respect_others) == (10, "restore", False)


def test_a_path_starts_at_the_config_file() -> None:
    _, own = settings(file="lamp.json")
    assert own == LampOptions(pin=17, file=Path("/etc/lamps/lamp.json"))


def test_all_mistakes_are_reported_at_once_with_their_keys() -> None:
    told = problems(
        pni=17,
        brightness=7,
        speed=0,
        folow=["alice"],
        looks={"buzy": {"color": "red"}},
        schedule={"days": "someday"},
    )
    assert len(told) == 7
    for line in (
        "drivers.desk.pin: is missing",
        "drivers.desk.pni: unknown; did you mean pin?",
        "drivers.desk.folow: unknown; did you mean follow?",
        "drivers.desk.looks: buzy: unknown; did you mean busy?",
    ):
        assert line in told
    for key in ("brightness", "speed", "schedule"):
        assert any(line.startswith(f"drivers.desk.{key}: ") for line in told)


@rows(
    ("table", "told"),
    [
        ({"follow": ["Alice"]}, "drivers.desk.follow.0: "),
        ({"follow": "alice"}, "drivers.desk.follow: "),
        ({"brightness": 0}, "drivers.desk.brightness: "),
        ({"on_exit": "explode"}, "drivers.desk.on_exit: "),
        ({"grace": -1}, "drivers.desk.grace: "),
        ({"schedule": {"hours": "8-18"}}, "write them as 08:00-18:00"),
        ({"schedule": {"outside": "sometimes"}}, "drivers.desk.schedule.outside"),
        ({"schedule": []}, "drivers.desk.schedule: is empty and would never apply: write hours"),
        ({"schedule": {"days": []}}, "drivers.desk.schedule: days = [] never applies: name some"),
        ({"schedule": {"days": 5}}, "drivers.desk.schedule.days: must be text in quotes, or a"),
        ({"schedule": {"hours": ["08:00-12:00", 13]}}, "drivers.desk.schedule.hours: must be text"),
        ({"schedule": {"day": "mon"}}, "drivers.desk.schedule.day: unknown; did you mean days?"),
        ({"schedule": "mon-fri"}, "drivers.desk.schedule: must be a table"),
        (
            {"schedule": [{"days": "mon"}, {"hours": "8-18"}]},
            "drivers.desk.schedule.1: hours '8-18': write them as 08:00-18:00",
        ),
        (
            {"schedule": [{"hour": "08:00-18:00"}]},
            "drivers.desk.schedule.0.hour: unknown; did you mean hours?",
        ),
        ({"looks": {"busy": {"color": "reddish"}}}, "drivers.desk.looks.busy.color: is not a"),
        ({"looks": {"busy": {"colour": "red"}}}, "colour: unknown; did you mean color?"),
        ({"looks": {"busy": {"brightness": 2}}}, "drivers.desk.looks.busy.brightness: "),
        ({"looks": {"busy": {"effect": "disco"}}}, "drivers.desk.looks.busy.effect: "),
        (
            {"looks": {"busy": {"give_back": True, "color": "red"}}},
            "drivers.desk.looks.busy: give_back cannot be combined: take color out",
        ),
    ],
)
def test_a_value_that_makes_no_sense_is_reported_with_its_key(
    table: dict[str, Any], told: str
) -> None:
    lines = problems(pin=17, **table)
    assert any(told in line for line in lines), lines


def test_no_value_is_shown_since_it_may_be_a_secret() -> None:
    assert "hunter2" not in "".join(problems(pin="hunter2", brightness="hunter2", nip="hunter2"))


def test_own_looks_replace_the_defaults_one_by_one() -> None:
    common, _ = settings(looks={"busy": {"color": "#102030"}, "offline": {"color": "pink"}})
    rules = common.rules(config({}))
    assert rules.looks["busy"].color == (16, 32, 48)
    assert not rules.looks["offline"].off
    assert rules.looks["available"] == DEFAULT_LOOKS["available"]


@pytest.mark.parametrize(
    ("outside", "shown"),
    [("off", OFF), ("keep", None), ({"color": "blue"}, (0, 0, 255))],
)
def test_outside_of_its_hours_a_lamp_does_what_the_schedule_says(
    outside: object, shown: object
) -> None:
    common, _ = settings(schedule={"days": "mon-fri", "hours": "08:00-18:00", "outside": outside})
    rules = common.rules(config({}))
    facts = facts_of("busy/in_a_call", NIGHT, ())
    at_night = choose(rules, facts, NIGHT).state
    assert (
        at_night.color
        if isinstance(at_night, LightState) and isinstance(shown, tuple)
        else at_night
    ) == shown
    at_noon = choose(rules, facts_of("busy/in_a_call", NOON, ()), NOON)
    assert at_noon.rule == "activity in_a_call"


def test_brightness_scales_every_look() -> None:
    common, _ = settings(brightness=0.5, looks={"busy": {"color": "red", "brightness": 0.5}})
    rules = common.rules(config({}))
    shown = choose(rules, facts_of("busy/busy", NOON, ()), NOON).state
    assert isinstance(shown, LightState)
    assert shown.brightness == pytest.approx(0.25)


WEEK = [
    {"days": ["mon", "wed"], "hours": ["08:00-12:00", "13:00-17:00"]},
    {"days": "fri", "hours": "22:00-06:00", "outside": "keep"},
    {"days": "sat,sun", "hours": "10:00-12:00", "outside": "give_back"},
]


@rows(
    ("day", "hour", "does"),
    [
        (23, 9, "follows"),
        (23, 12, "left as it is"),
        (23, 13, "follows"),
        (24, 9, "left as it is"),
        (25, 16, "follows"),
        (27, 9, "left as it is"),
        (27, 23, "follows"),
        (28, 5, "follows"),
        (28, 6, "given back"),
        (29, 10, "follows"),
        (29, 12, "given back"),
    ],
)
def test_a_schedule_may_be_a_list(day: int, hour: int, does: str) -> None:
    rules = settings(schedule=WEEK)[0].rules(config({}))
    moment = datetime(2026, 11, day, hour, 30, tzinfo=UTC)
    rule = choose(rules, facts_of("busy", moment, ()), moment).rule
    assert rule == (
        "availability busy" if does == "follows" else f"outside of the schedule: {does}"
    )


def test_a_list_that_says_nothing_of_outside_switches_off_as_one_table_does() -> None:
    table = {"days": "mon-fri", "hours": "08:00-18:00"}
    for schedule in (table, [table], [table, {"days": "sat", "hours": "10:00-12:00"}]):
        rules = settings(schedule=schedule)[0].rules(config({}))
        assert choose(rules, facts_of("busy", NIGHT, ()), NIGHT).state == OFF


@pytest.mark.parametrize("day", range(25, 27))
def test_a_list_keeps_to_the_wall_clock_when_the_clocks_change(day: int) -> None:
    berlin = config({}).model_copy(update={"time_zone": "Europe/Berlin"})
    rules = settings(schedule=[{"hours": "08:00-12:00"}, {"hours": "13:00-17:00"}])[0].rules(berlin)
    for hour in range(24):
        moment = datetime(2026, 10, day, hour, 59, tzinfo=ZoneInfo("Europe/Berlin"))
        shown = choose(rules, facts_of("busy", moment, ()), moment.astimezone(UTC)).state
        assert (shown != OFF) is (8 <= hour < 17 and hour != 12)


DOCS = Path(__file__).parents[3] / "docs"
PAGES = [DOCS / "lights.md", *sorted((DOCS / "lights").glob("*.md"))]
PAGES.remove(DOCS / "lights" / "esphome.md")  # it needs no driver


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_lamp_of_the_docs_is_read(page: Path) -> None:
    read_lamps = 0
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", page.read_text(encoding="utf-8")):
        for name, lamp in tomllib.loads(block).get("drivers", {}).items():
            table = {"kind": "console", **lamp}
            whole = check({"drivers": {name: table}}, folder=Path("/x"), environ={})
            read(whole, name, find(table["kind"]).options)
            read_lamps += 1
    assert read_lamps


def test_on_a_day_off_a_lamp_does_what_it_does_outside_of_its_hours() -> None:
    table = {"days": "mon-fri", "outside": "keep", "days_off": ["2026-11-23"]}
    rules = settings(schedule=table)[0].rules(config({}))
    for day, rule in ((23, "outside of the schedule: left as it is"), (24, "no account has been")):
        assert choose(rules, {}, datetime(2026, 11, day, 9, tzinfo=UTC)).rule.startswith(rule)
