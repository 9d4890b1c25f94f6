"""Lights that show words: what they say, when, and that nothing of anybody is left on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import Effect, LightState
from drivers import mqtt_light
from drivers.base import Capability, Surroundings, Words
from drivers.looks.template import capability_of, check, effects_of, fill_payload, values
from drivers.mqtt_light.options import MqttOptions
from drivers.testing import FakeBus
from tests.fakes.clock import ManualClock
from tests.fakes.light import FakeLight, SignFakeLight
from tests.unit.drivers.bench import Bench

RED = LightState(color=(255, 0, 0))
ALICE = Words("alice", "in_a_call", "busy", "in_a_call")
NOTHING = Words(look="off")
SIGN = {"device": "template", "topic": "awtrix/custom/presence"}
TEXT = '{"text":"{person}: {activity}","color":"#{hex}"}'


def sign(folder: Path, **more: Any) -> tuple[Bench, SignFakeLight]:
    light = SignFakeLight(ManualClock())
    return Bench(folder, light=light, **more), light


async def test_a_sign_says_whose_presence_it_shows_and_nothing_after_the_stop(
    tmp_path: Path,
) -> None:
    bench, light = sign(tmp_path, effects=True)
    bench.person("busy/in_a_call")
    async with bench.running():
        assert light.said == [ALICE]
        bench.state("away", at_s=1)
        await bench.clock.advance(1)
        assert light.said[1:] == [Words("alice", "away", "away", "away")]
    assert light.said[2:] == [NOTHING]
    assert not light.shows.on


async def test_words_alone_are_news_for_a_sign_and_for_no_other_light(tmp_path: Path) -> None:
    for light in (SignFakeLight(ManualClock()), FakeLight(ManualClock())):
        bench = Bench(tmp_path, light=light, follow=["alice", "bob"], effects=True)
        bench.person("busy/in_a_call")
        bench.person("available", "bob")
        async with bench.running():
            assert len(light.written) == 1
            bench.state("busy/in_a_call", "bob", at_s=1)
            bench.state("available", at_s=1)
            await bench.clock.advance(1)
            if isinstance(light, SignFakeLight):
                assert light.said == [ALICE, Words("bob", "in_a_call", "busy", "in_a_call")]
            else:
                assert len(light.written) == 1


async def test_where_nothing_fresh_is_known_it_says_so(tmp_path: Path) -> None:
    bench, light = sign(tmp_path)
    bench.person("busy/in_a_call")
    bench.broker.tell("presence/account/alice/availability", "offline")
    async with bench.running():
        assert light.said == [Words("alice", "unknown", "unknown", "unknown")]


async def test_no_word_of_anybody_outside_of_the_schedule_or_by_hand(tmp_path: Path) -> None:
    never = {"days": "sun", "hours": "03:00-04:00", "outside": {"color": "blue"}}
    bench, light = sign(tmp_path / "a", schedule=never)
    bench.person("busy/in_a_call")
    async with bench.running():
        assert light.said == [Words(look="outside")]
    bench, light = sign(tmp_path / "b", effects=True)
    bench.person("busy/in_a_call")
    async with bench.running():
        bench.command({"state": "ON", "color": {"r": 255, "g": 0, "b": 0}})
        await bench.clock.advance(1)
        bench.command({"state": "OFF"})
        await bench.clock.advance(1)
        assert light.said[1:] == [Words(look="manual"), NOTHING]


async def test_a_hand_that_keeps_what_is_shown_takes_the_words_away(tmp_path: Path) -> None:
    bench, light = sign(tmp_path)
    bench.person("busy")
    async with bench.running():
        bench.command({"effect": "off"})
        await bench.clock.advance(1)
        assert light.said[-1] == Words(look="manual")
        assert light.shows == light.written[0][1]


async def test_a_trial_names_each_look(tmp_path: Path) -> None:
    bench, light = sign(tmp_path, effects=True)
    bench.person("busy")
    async with bench.running():
        bench.command({"try": True})
        await bench.clock.advance(4)
        assert [words.look for words in light.said[:3]] == ["busy", "in_a_call", "presenting"]
        assert {words.person for words in light.said[1:]} == {""}


async def test_the_newest_words_come_when_the_sign_is_back(tmp_path: Path) -> None:
    bench, light = sign(tmp_path)
    bench.person("busy")
    light.error = LightUnreachableError("away")
    async with bench.running():
        bench.state("away", at_s=1)
        await bench.clock.advance(5)
        light.error = None
        await bench.clock.advance(70)
        assert light.said == [Words("alice", "away", "away", "away")]


async def opened(**options: Any) -> tuple[Any, FakeBus, Any]:
    bus = FakeBus()
    around = Surroundings("desk", Path("/nowhere"), ManualClock(), bus)
    context = mqtt_light.KIND.open(MqttOptions.model_validate(SIGN | options), around)
    return await context.__aenter__(), bus, context


async def test_a_sign_on_the_broker_shows_words_and_colour_in_one_message() -> None:
    light, bus, _ = await opened(payload=TEXT, words={"alice": 'Al "ice"', "in_a_call": "Anruf"})
    light.say(ALICE)
    await light.apply(RED)
    assert json.loads(bus.published[-1].payload) == {"text": 'Al "ice": Anruf', "color": "#ff0000"}


async def test_a_template_without_words_is_given_none() -> None:
    light, _, _ = await opened(payload="{hex}")
    assert not hasattr(light, "say")


@pytest.mark.parametrize(
    ("payload", "capability", "alone"),
    [
        ("{look}", Capability.COLOR, True),
        ("{look} {secret}", Capability.COLOR, True),
        ("{look} {effect}", Capability.COLOR, True),
        ("{look} {hex}", Capability.COLOR, False),
        ("{look} {state}", Capability.ON_OFF, False),
        ("{red} {brightness} {effect} {period}", Capability.COLOR, True),
        ("1", Capability.ON_OFF, False),
    ],
)
def test_a_sign_is_not_animated_where_no_frame_would_differ(
    payload: str, capability: Capability, *, alone: bool
) -> None:
    assert capability_of(payload) is capability
    assert effects_of(payload) == (set(Effect) if alone else {Effect.SOLID})


def test_a_word_cannot_break_out_of_json() -> None:
    words = Words(person='x","color":"#00ff00\\')
    told = fill_payload(TEXT, values(RED, words))
    assert json.loads(told)["color"] == "#ff0000"
    assert fill_payload("{person} is here", values(RED, words)).startswith(words.person)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"payload": "{hex}", "words": {"alice": "Alice"}}, "words needs a placeholder"),
        ({"payload": "{hex}", "topic": "signs/{person}"}, "words cannot be part of a topic"),
        ({"device": "esphome", "words": {"a": "b"}}, "words is only for template"),
    ],
)
def test_words_that_would_not_be_shown_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        MqttOptions.model_validate(SIGN | options)


def test_a_gap_with_a_typing_error_suggests_the_nearest() -> None:
    with pytest.raises(ValueError, match="did you mean activity"):
        check("{activty}")
