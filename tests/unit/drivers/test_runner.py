"""One driver as a whole: what it tells the broker, what it obeys, what it shows, and when."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.broker.takeover import NOBODY_S
from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF
from drivers.presence.following import CONNECTION_EVERY_S
from drivers.rules import DEFAULT_LOOKS
from drivers.runtime.retained_topics import forget
from tests.fakes.clock import START, ManualClock
from tests.fakes.light import FakeLight, ReadableFakeLight
from tests.fakes.memory_broker import MemoryBroker
from tests.unit.drivers.bench import LIGHT, Bench, old_broker

CONFIG = "homeassistant/device/desk/light/config"
ALL = [
    CONFIG,
    *(f"{LIGHT}/{leaf}" for leaf in ("state", "rule", "why", "availability")),
    "presence/driver/desk/state",
]
RED, UNKNOWN = DEFAULT_LOOKS["busy"].state(), DEFAULT_LOOKS["unknown"].state()
GREEN, PURPLE = DEFAULT_LOOKS["available"].state(), DEFAULT_LOOKS["do_not_disturb"].state()
BY_HAND = {"state": "ON", "color": {"r": 1, "g": 2, "b": 3}}


async def test_a_lamp_that_is_killed_is_offline_for_whoever_comes_later(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with bench.running():
        assert bench.broker.text("presence/driver/desk/state") == "online"
        will = bench.broker.sessions[0].greeting.will
        assert will is not None
        assert (will.topic, will.payload) == ("presence/driver/desk/state", b"offline")
        assert will.retain
        await bench.kill()
        assert bench.broker.text("presence/driver/desk/state") == "offline"


async def test_a_lamp_that_may_read_nothing_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.broker.delivers = False
    async with bench.running():
        await bench.clock.advance(200)
        assert caplog.text.count("connected, but receives nothing: check that user") == 1
        bench.broker.delivers = True
        await bench.clock.advance(60)
        bench.person("busy")
        await bench.clock.advance(60)
        assert caplog.text.count("receives nothing") == 1
        assert bench.light.shows == RED


async def test_a_start_shows_the_right_look_at_once_and_no_other_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=["alice", "bob"])
    for account in ("alice", "bob"):
        bench.person("busy", account)
    async with bench.running():
        await bench.clock.advance(60)
        assert [state for _, state in bench.light.written] == [RED]
        filters = list(bench.broker.asked)
        assert filters.index("presence/bridge/state") > filters.index("presence/account/bob/state")


async def test_a_clean_stop_says_goodbye_and_leaves_the_light_as_it_was_found(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        assert bench.light.shows == RED
    assert bench.broker.text("presence/driver/desk/state") == "offline"
    assert isinstance(bench.light, ReadableFakeLight)
    assert bench.light.restored


async def test_home_assistants_birth_is_answered_with_all_that_it_needs(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.broker.heard.clear()
        bench.broker.tell("homeassistant/status", "online", retain=False)
        await bench.clock.advance(6)
        told = [message.topic for message in bench.broker.heard]
        assert told == ALL
        bench.broker.heard.clear()
        bench.broker.tell("homeassistant/status", "offline", retain=False)
        await bench.clock.advance(6)
        assert bench.broker.heard == []


@pytest.mark.parametrize("old", [False, True], ids=["5", "3.1.1"])
@pytest.mark.parametrize("payload", ["", "offline", '{"state":"OFF","of":"a lamp of before"}'])
@pytest.mark.parametrize("topic", ALL)
async def test_what_others_erase_or_overwrite_is_restored_within_two_minutes(
    tmp_path: Path, topic: str, payload: str, *, old: bool
) -> None:
    bench = Bench(tmp_path, old_broker() if old else None)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(10)
        truth = bench.broker.text(topic)
        assert truth
        bench.broker.heard.clear()
        bench.broker.tell(topic, payload)
        await bench.clock.advance(1)
        at_once = topic == "presence/driver/desk/state"
        assert bench.broker.text(topic) == (truth if at_once else payload)
        await bench.clock.advance(119)
        assert bench.broker.text(topic) == truth
        assert len(bench.broker.heard) == len(ALL) + at_once, "nothing else is said"
        assert len(bench.light.written) == 1


async def test_what_was_erased_while_the_connection_came_and_went_is_restored(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        for _ in range(4):
            await bench.clock.advance(20)
            bench.broker.lose(bench.broker.sessions[0])
            for topic in ALL:
                bench.broker.tell(topic, "")
        await bench.clock.advance(10 + NOBODY_S[1])
        assert all(bench.broker.text(topic) for topic in ALL)
        assert bench.broker.text("presence/driver/desk/state") == "online"


async def test_home_assistant_may_keep_its_usual_birth_topic_and_our_rules_may_forbid_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for refused in (False, True):
        bench = Bench(tmp_path, homeassistant={"discovery_prefix": "home/ha"})
        if refused:
            bench.broker.refused.add("homeassistant/status")
        bench.person("busy")
        async with bench.running():
            assert bench.broker.text("home/ha/device/desk/light/config")
            for topic in ("home/ha/status", "homeassistant/status"):
                bench.broker.heard.clear()
                bench.broker.tell(topic, "online", retain=False)
                await bench.clock.advance(6)
                is_heard = not (refused and topic == "homeassistant/status")
                assert len(bench.broker.heard) == (len(ALL) if is_heard else 0)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_chosen_birth_topic_is_the_only_one_and_its_refusal_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path, homeassistant={"birth_topic": "My Home/born"})
    bench.person("busy")
    async with bench.running():
        assert "homeassistant/status" not in bench.broker.asked
        bench.broker.heard.clear()
        bench.broker.tell("My Home/born", "online", retain=False)
        await bench.clock.advance(6)
        assert len(bench.broker.heard) == len(ALL)
    bench = Bench(tmp_path, homeassistant={"birth_topic": "My Home/born"})
    bench.broker.refused.add("My Home/born")
    async with bench.running():
        assert "does not let user anonymous subscribe to My Home/born" in caplog.text


async def test_what_a_person_chose_by_hand_outlives_a_restart(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    first.person("busy")
    async with first.running():
        first.command(BY_HAND)
        await first.clock.advance(1)
        assert first.light.shows.color == (1, 2, 3)
    second = Bench(tmp_path)
    async with second.running():  # no bridge, no presence
        assert second.light.shows.color == (1, 2, 3)
        assert second.broker.json(f"{LIGHT}/rule")["mode"] == "manual"
        second.person("busy")
        await second.clock.advance(1)
        assert second.light.shows.color == (1, 2, 3)
        second.command({"state": "ON", "effect": "presence"})
        await second.clock.advance(1)
        assert second.light.shows == RED


@pytest.mark.parametrize("old", [False, True], ids=["5", "3.1.1"])
async def test_a_stored_command_is_never_obeyed(tmp_path: Path, *, old: bool) -> None:
    bench = Bench(tmp_path, old_broker() if old else None)
    bench.command(BY_HAND, retain=True)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(10)
        assert bench.light.shows == RED
        bench.command(BY_HAND)
        await bench.clock.advance(1)
        assert bench.light.shows.color == (1, 2, 3)


async def test_the_schedule_turns_to_the_minute_without_a_message(tmp_path: Path) -> None:
    start = START.replace(hour=7, minute=59, second=10)
    schedule = {"hours": "08:00-08:01", "outside": "off"}
    bench = Bench(tmp_path, start=start, schedule=schedule)
    bench.runner._decisions.rules = bench.runner._common.rules(
        bench.runner._config.model_copy(update={"time_zone": "UTC"})
    )
    bench.person("busy")
    async with bench.running():
        assert bench.light.shows == OFF
        await bench.clock.advance(49.8)
        assert bench.light.shows == OFF
        await bench.clock.advance(0.3)
        assert bench.light.shows == RED
        await bench.clock.advance(60)
        assert bench.light.shows == OFF


@pytest.mark.parametrize("outside", ["keep", "off"])
async def test_after_hours_the_right_look_is_back_whatever_others_did(
    tmp_path: Path, outside: str
) -> None:
    start = START.replace(hour=8, minute=0, second=30)
    schedule = {"hours": "08:00-08:01", "outside": outside}
    bench = Bench(tmp_path, start=start, schedule=schedule)
    bench.runner._decisions.rules = bench.runner._common.rules(
        bench.runner._config.model_copy(update={"time_zone": "UTC"})
    )
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(60)
        written = len(bench.light.written)
        bench.clock.jump_wall(24 * 3600 - 80)
        bench.person("busy")
        await bench.clock.advance(30)
        assert len(bench.light.written) == written + 1
        assert bench.light.shows == RED


async def test_presence_that_nobody_refreshes_turns_to_unknown(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    valid_until = (bench.clock.now() + timedelta(seconds=40)).isoformat()
    bench.person("busy", valid_until=valid_until)
    async with bench.running():
        await bench.clock.advance(39)
        assert bench.light.shows == RED
        await bench.clock.advance(1)
        assert bench.light.shows == UNKNOWN


@pytest.mark.parametrize("gone", ["bridge", "broker"])
async def test_bridge_or_broker_may_be_away_for_the_grace_and_no_longer(
    tmp_path: Path, gone: str
) -> None:
    bench = Bench(tmp_path, grace=20)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(30)
        if gone == "bridge":
            bench.bridge("offline")
        else:
            bench.broker.stop()
        await bench.clock.advance(19)
        assert bench.light.shows == RED
        await bench.clock.advance(1 + 2 * CONNECTION_EVERY_S)
        assert bench.light.shows == UNKNOWN
        bench.broker.is_up = True
        bench.bridge()
        await bench.clock.advance(30)
        assert bench.light.shows == RED


async def test_a_short_loss_of_the_broker_is_not_seen_on_the_lamp(tmp_path: Path) -> None:
    bench = Bench(tmp_path, grace=60)
    bench.person("busy")
    async with bench.running():
        for _ in range(5):
            bench.broker.stop()
            await bench.clock.advance(5)
            bench.broker.is_up = True
            await bench.clock.advance(60)
        assert [state for _, state in bench.light.written] == [RED]


async def test_a_broker_that_lost_its_memory_does_not_keep_a_dead_bridge_alive(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.broker.stop()
        await bench.clock.advance(2 * CONNECTION_EVERY_S)
        bench.broker.stored.clear()
        bench.broker.is_up = True
        await bench.clock.advance(30)
        assert bench.rule == "the bridge is gone"


@pytest.mark.parametrize("broken", ["folder is a file", "folder is gone"])
async def test_a_memory_that_cannot_be_written_costs_only_the_memory(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    caplog.set_level(logging.INFO)
    folder = tmp_path / "state"
    if broken == "folder is a file":
        folder.write_text("")
    else:
        (tmp_path / "state").symlink_to(tmp_path / "none" / "deeper")
    bench = Bench(folder)
    bench.person("busy")
    async with bench.running():
        for red in (1, 2, 3):
            bench.command({"state": "ON", "color": {"r": red, "g": 0, "b": 0}})
            await bench.clock.advance(1)
            await asyncio.sleep(0.02)  # the file is written on a thread
        assert bench.light.shows.color == (3, 0, 0)
        assert len(bench.broker.sessions) == 1
        assert "offline" not in [m.payload.decode() for m in bench.broker.heard]
    assert caplog.text.count("desk.json cannot be written") == 1
    assert "cannot be reached" not in caplog.text


async def test_each_new_kind_of_garbage_is_logged_once_until_something_good_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    state = "presence/account/alice/state"
    async with bench.running():
        for payload in ("[]", "[]", '{"availability":"busy"}', "[]"):
            bench.broker.tell(state, payload)
            await bench.clock.advance(1)
        assert caplog.text.count(f"ignored what is on {state}") == 2
        bench.state("busy", at_s=1)
        bench.broker.tell(state, "[]")
        await bench.clock.advance(1)
        assert caplog.text.count(f"ignored what is on {state}") == 3
        for payload in ("ON", "ON", '{"brightness":999}'):
            bench.command(payload)
            await bench.clock.advance(1)
        assert caplog.text.count(f"ignored what is on {LIGHT}/set") == 2
        assert bench.light.shows == RED


async def test_who_was_removed_unseen_is_forgotten_and_who_stays_is_not(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=[])
    bench.person("busy", "erin")
    bench.person("available", "alice")
    async with bench.running():
        await bench.clock.advance(10)
        assert bench.light.shows == RED
        for topic in [topic for topic in bench.broker.stored if "/erin/" in topic]:
            del bench.broker.stored[topic]  # while nobody was connected
        for _ in range(8):
            await bench.clock.advance(30)
            bench.person("available", "alice")  # the bridge's beat
        await bench.clock.advance(1)
        assert bench.light.shows == GREEN


async def test_silence_of_a_bridge_of_the_last_release_removes_nobody(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=[])
    bench.bridge()
    bench.broker.tell("presence/account/erin/availability", "online")
    bench.broker.tell("presence/account/erin/auth", '{"state": "signed_in"}')
    bench.state("busy", "erin")
    async with bench.running():
        await bench.clock.advance(600)
        assert bench.light.shows == RED


async def test_an_older_state_never_takes_the_place_of_a_newer_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("available", epoch=5)
    async with bench.running():
        await bench.clock.advance(10)
        bench.state("busy", epoch=5, at_s=-100)
        bench.state("busy", epoch=4, at_s=100)
        await bench.clock.advance(1)
        assert bench.light.shows == GREEN
        bench.state("busy", epoch=6, at_s=-3600)  # the bridge's clock was put back
        await bench.clock.advance(1)
        assert bench.light.shows == RED


async def test_a_bridge_that_knows_no_epoch_is_believed_whatever_its_clock_does(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.person("available")
    async with bench.running():
        bench.state("busy", at_s=-3600, retain=False)
        await bench.clock.advance(1)
        assert bench.light.shows == RED
        bench.state("do_not_disturb", at_s=-7200)  # stored, and found again after a reconnect
        bench.state("busy", retain=False)
        await bench.clock.advance(1)
        bench.broker.lose(bench.broker.sessions[0])
        await bench.clock.advance(30)
        assert bench.light.shows == RED


@pytest.mark.parametrize("word", ["sign_in", "auth"])
async def test_a_sign_in_that_is_needed_is_shown_from_old_and_new_bridges(
    tmp_path: Path, word: str
) -> None:
    bench = Bench(tmp_path)
    topic = "presence/account/alice"

    def needed(payload_new: str, payload_old: str) -> None:
        payload = payload_new if word == "sign_in" else json.dumps({"state": payload_old})
        bench.broker.tell(f"{topic}/{word}", payload)

    bench.bridge()
    bench.broker.tell(f"{topic}/availability", "offline")
    needed("needed", "expired")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.rule == "sign-in needed"
        needed("signed_in", "signed_in")
        bench.broker.tell(f"{topic}/availability", "online")
        bench.state("busy")
        await bench.clock.advance(1)
        assert bench.light.shows == RED
        filters = bench.broker.sessions[0].filters
        assert (f"{topic}/auth" in filters) is (word == "auth")


async def test_once_the_word_is_published_the_code_is_not_heard_any_more(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    topic = "presence/account/alice"
    bench.bridge()
    bench.broker.tell(f"{topic}/auth", {"state": "expired"})
    bench.broker.tell(f"{topic}/availability", "offline")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.rule == "sign-in needed"
        bench.person("busy")  # a newer bridge
        await bench.clock.advance(1)
        assert bench.light.shows == RED
        assert f"{topic}/auth" not in bench.broker.sessions[0].filters


@pytest.mark.parametrize("leaf", ["sign_in", "auth"])
async def test_access_rules_may_refuse_one_of_both(tmp_path: Path, leaf: str) -> None:
    bench = Bench(tmp_path)
    bench.broker.refused.add(f"presence/account/alice/{leaf}")
    bench.person("busy")
    if leaf == "sign_in":
        bench.broker.stored.pop("presence/account/alice/sign_in")
        bench.broker.tell("presence/account/alice/auth", {"state": "signed_in"})
    async with bench.running():
        await bench.clock.advance(5)
        assert bench.light.shows == RED


async def test_a_sign_in_that_is_needed_does_not_lose_to_somebody_offline(tmp_path: Path) -> None:
    bench = Bench(tmp_path, follow=["alice", "bob"])
    bench.person("offline")
    bench.broker.tell("presence/account/bob/sign_in", "needed")
    bench.broker.tell("presence/account/bob/availability", "offline")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.rule == "sign-in needed"
        bench.person("away")
        await bench.clock.advance(1)
        assert bench.rule == "availability away"


async def test_light_availability_turns_with_the_light(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.broker.text(f"{LIGHT}/availability") == "online"
        bench.light.error = LightUnreachableError("no power")
        await bench.clock.advance(6)
        assert bench.broker.text(f"{LIGHT}/availability") == "offline"
        bench.light.error = None
        await bench.clock.advance(60)
        assert bench.broker.text(f"{LIGHT}/availability") == "online"


async def test_a_defect_in_the_rules_shows_unknown_and_is_retried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(tmp_path)
    bench.person("busy")
    async with bench.running():
        decisions = bench.runner._decisions
        rules, decisions.rules = decisions.rules, None  # type: ignore[assignment]
        bench.person("do_not_disturb")
        await bench.clock.advance(10)
        assert bench.light.shows == UNKNOWN
        assert bench.rule == "internal error"
        bench.runner._decisions.rules = rules
        await bench.clock.advance(300)
        assert bench.light.shows == PURPLE
    assert caplog.text.count("Traceback") == 1


async def test_a_slider_scales_while_following_and_is_reported_as_it_was_set(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, light=FakeLight(ManualClock()))
    bench.person("busy")
    async with bench.running():
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/state")["brightness"] == 255
        for _ in range(3):
            bench.command({"state": "ON", "brightness": 153})
            await bench.clock.advance(1)
            assert bench.broker.json(f"{LIGHT}/state")["brightness"] == 153
        assert bench.light.shows.brightness == pytest.approx(RED.brightness * 153 / 255)
        bench.command(bench.broker.json(f"{LIGHT}/state"))
        await bench.clock.advance(1)
        assert bench.broker.json(f"{LIGHT}/rule")["mode"] == "follow"
        assert bench.light.shows.brightness == pytest.approx(RED.brightness * 153 / 255)


def at(base: str, bench: Bench) -> set[str]:
    """The topics of the lamp that are stored below a base topic."""
    return {topic for topic in bench.broker.stored if topic.startswith(f"{base}/driver/")}


@pytest.mark.parametrize("away", [False, True], ids=["broker there", "broker away"])
async def test_below_a_base_topic_that_was_changed_a_lamp_leaves_nothing(
    tmp_path: Path, *, away: bool
) -> None:
    broker = MemoryBroker()
    bases = ("presence", "presence/home", "a", "presence")
    for base in bases:
        bench = Bench(tmp_path, broker, base=base)
        if away:
            broker.is_up = base in (bases[0], bases[-1])
        async with bench.running():
            await bench.clock.advance(5)
    assert not at("presence/home", bench)
    assert not at("a", bench)
    assert len(at("presence", bench)) == 5
    for base in ("b", "b/c"):
        bench = Bench(tmp_path, broker, base=base)
        async with bench.running():
            assert not at("presence", bench)
            assert len(at(base, bench)) == 5
    sent = [message for message in broker.heard if message.topic == CONFIG]
    emptied = [message for message in sent if not message.payload]
    assert next(message.topic for message in broker.heard if not message.payload) == CONFIG
    assert len(emptied) == (3 if away else 5), "Home Assistant lets go of the old names"
    assert b"b_c_light_desk" in broker.stored[CONFIG].payload


async def test_below_a_discovery_prefix_that_was_changed_or_is_not_wanted_nothing_is_left(
    tmp_path: Path,
) -> None:
    broker = MemoryBroker()
    for prefix in ("homeassistant", "home/ha"):
        bench = Bench(tmp_path, broker, homeassistant={"discovery_prefix": prefix})
        async with bench.running():
            found = {topic for topic in broker.stored if "/device/" in topic}
            assert found == {f"{prefix}/device/desk/light/config"}
    bench = Bench(tmp_path, broker, homeassistant={"enabled": False})
    async with bench.running():
        assert not [topic for topic in broker.stored if "/device/" in topic]
        bench.broker.heard.clear()
        await bench.clock.advance(600)
        assert all(message.payload for message in bench.broker.heard)


async def test_what_the_rules_refuse_to_empty_is_emptied_when_they_allow_it(tmp_path: Path) -> None:
    broker = MemoryBroker()
    async with Bench(tmp_path, broker).running():
        pass
    broker.refused.add("presence/driver/desk/light/state")
    for _ in range(2):
        bench = Bench(tmp_path, broker, base="a")
        async with bench.running():
            assert at("presence", bench) == {"presence/driver/desk/light/state"}
    broker.refused.clear()
    async with bench.running():
        assert not at("presence", bench)


async def test_a_lamp_that_has_another_name_now_is_named_with_the_cure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with Bench(tmp_path).running():
        assert "presence-driver forget" not in caplog.text
    bench = Bench(tmp_path, name="hall")
    async with bench.running():
        assert "desk is no longer in the config: presence-driver forget desk" in caplog.text


async def test_a_lamp_that_is_gone_is_forgotten_wherever_it_has_spoken(tmp_path: Path) -> None:
    broker = MemoryBroker()
    async with Bench(tmp_path, broker, homeassistant={"discovery_prefix": "home/ha"}).running():
        assert "home/ha/device/desk/light/config" in broker.stored
    bench = Bench(tmp_path, broker, name="hall", base="a")
    await forget("desk", bench.runner._config, connect=broker.connect)
    assert not broker.stored
    async with bench.running():
        assert len(broker.stored) == len(ALL)
