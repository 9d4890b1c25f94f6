"""The hue kind against a hub on loopback: real phue, real sockets, real TLS."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from bridge.contract.wire import Message
from drivers.base import Paced, Restorable, Surroundings, Watchable
from drivers.blocking import CutOff, Worker
from drivers.hue import KIND, opened
from drivers.hue.events import NONE_S, Events
from drivers.hue.light import HueLight, Search
from drivers.hue.options import HueOptions
from drivers.hue.pairing import Pairing, Pairings
from drivers.hue.transport import Transport
from drivers.runtime.abilities import LOOK_EVERY_S
from drivers.runtime.lamp import LEAVE_S, MENDED_EVERY_S, Lamp
from tests.fakes.clock import ManualClock
from tests.fakes.hue_hub import HueHub, color_light, plug, white_light
from tests.fakes.tasks import during

KEY = "key-of-the-tests"
RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0), brightness=0.5)
SOON_S = 5.0
"""Real seconds: what needs longer hangs."""


class NoBus:
    connected = False

    def publish(self, message: Message) -> None:
        raise AssertionError(message)

    def subscribe(self, topic_filter: str, handler: Any) -> None:
        raise AssertionError(topic_filter)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where phue would write, were it let."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def hub(tmp_path: Path) -> HueHub:
    return HueHub(
        tmp_path,
        lights={
            "1": color_light("Desk"),
            "2": color_light("Door", on=True, bri=90),
            "3": white_light("Hall"),
            "4": plug("Fan"),
        },
        groups={"1": {"name": "Office", "lights": ["1", "2", "3"]}},
        keys={KEY},
    )


@pytest.fixture
def no_stream(hub: HueHub) -> None:
    """The hub is an old one, so that on the clock of the lamp nobody sleeps but the lamp."""
    hub.tls = False


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    return Surroundings("desk", tmp_path / "state", ManualClock(), NoBus())


def clock_of(around: Surroundings) -> ManualClock:
    assert isinstance(around.clock, ManualClock)
    return around.clock


def options(hub: HueHub, **more: Any) -> HueOptions:
    choice = more if {"light", "group"} & more.keys() else {"light": "Desk", **more}
    return HueOptions(hub=hub.address, **choice)


async def nowhere(_: str) -> None:
    """A network in which no hub announces itself."""


async def pair(hub: HueHub, around: Surroundings, **more: Any) -> None:
    assert KIND.pair is not None
    async with asyncio.timeout(SOON_S):
        await KIND.pair(options(hub, **more), around)


@asynccontextmanager
async def lit(
    hub: HueHub,
    around: Surroundings,
    *,
    answer_s: float = SOON_S,
    search: Search = nowhere,
    **more: Any,
) -> AsyncIterator[HueLight]:
    """An open light of a hub that runs and was paired."""
    async with (
        asyncio.timeout(2 * SOON_S),
        opened(options(hub, **more), around, answer_s=answer_s, search=search) as light,
    ):
        assert isinstance(light, HueLight)
        yield light


@pytest.fixture
async def paired(hub: HueHub, around: Surroundings, home: Path) -> AsyncIterator[HueHub]:
    """The hub, running, with its button pressed once."""
    async with hub.running():
        hub.link_button = True
        await pair(hub, around)
        hub.link_button = False
        yield hub


@contextmanager
def heard(words: str) -> Iterator[asyncio.Event]:
    """Set when the lamp logs ``words``."""
    event, logger = asyncio.Event(), logging.getLogger("drivers.runtime.lamp")

    def listen(record: logging.LogRecord) -> bool:
        if words in record.getMessage():
            event.set()
        return True

    logger.addFilter(listen)
    try:
        yield event
    finally:
        logger.removeFilter(listen)


async def done(work: Awaitable[None], clock: ManualClock, *, step_s: float = 0.1) -> None:
    """What rests on the clock between its writes, until it has ended or failed."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await clock.advance(step_s)
        await asyncio.sleep(0.001)
    await task


@asynccontextmanager
async def following(
    light: HueLight,
    clock: ManualClock,
    *,
    state: LightState = RED,
    reachable: Callable[[bool], None] = lambda _: None,
    watch_others: bool = True,
) -> AsyncIterator[Latest[LightState | None]]:
    """What the lamp is to show, kept at ``light`` as the runner does it."""
    target = Latest[LightState | None](state)
    lamp = Lamp(
        light,
        KIND,
        name="desk",
        target=target,
        clock=clock,
        reachable=reachable,
        watch_others=watch_others,
    )
    async with during(lamp.run()):
        yield target


def bodies(hub: HueHub) -> list[dict[str, Any]]:
    return [body for _, body in hub.puts]


# Pairing


async def test_pairing_waits_for_the_button_and_says_so(
    hub: HueHub, around: Surroundings, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = clock_of(around)
    async with hub.running():
        task = asyncio.create_task(pair(hub, around))
        for _ in range(11):
            await clock.until_asleep()
            await clock.advance(1)
        await clock.until_asleep()
        hub.link_button = True
        await clock.advance(1)
        await task
    said = capsys.readouterr().out
    assert "Press the link button of Hue Bridge (001788fffe23bfc2) within 60 s" in said
    assert "Waiting for the link button, 50 s left" in said
    assert "Paired with Hue Bridge (001788fffe23bfc2) over https, certificate " in said
    assert "Lights: 1 'Desk', 2 'Door', 3 'Hall', 4 'Fan'" in said
    assert "[drivers.desk] is light 'Desk'" in said
    assert not any(key in said for key in hub.keys)


async def test_the_key_and_the_certificate_are_kept_for_the_owner_alone(
    paired: HueHub, around: Surroundings
) -> None:
    (file,) = (around.state_dir / "hue").glob("*.json")
    (pairing,) = Pairings(around.state_dir).load()
    assert file.stat().st_mode & 0o777 == 0o600
    assert pairing.key in paired.keys
    assert len(pairing.fingerprint or "") == 64


async def test_pairing_ends_when_nobody_presses_the_button(
    hub: HueHub, around: Surroundings
) -> None:
    clock = clock_of(around)
    async with hub.running():
        task = asyncio.create_task(pair(hub, around))
        for _ in range(60):
            await clock.until_asleep()
            await clock.advance(1)
        with pytest.raises(LightRefusedError, match=r"nobody pressed .* Run the command again"):
            await task
    assert Pairings(around.state_dir).load() == ()


async def test_a_hub_that_becomes_another_while_we_wait_gets_no_pairing(
    hub: HueHub, around: Surroundings
) -> None:
    clock = clock_of(around)
    async with hub.running():
        task = asyncio.create_task(pair(hub, around))
        await clock.until_asleep()
    hub.change_certificate()
    hub.link_button = True
    async with hub.running():
        await clock.advance(1)  # meets the connection that broke: the wait goes on
        await clock.until_asleep()
        await clock.advance(1)
        with pytest.raises(LightRefusedError, match="another certificate"):
            await task
    assert Pairings(around.state_dir).load() == ()


async def test_a_second_lamp_of_a_paired_hub_needs_no_button(
    paired: HueHub, around: Surroundings, capsys: pytest.CaptureFixture[str]
) -> None:
    await pair(paired, around, light="Hall")
    assert "is paired already" in capsys.readouterr().out


async def test_a_key_that_was_deleted_is_replaced_by_another_pairing(
    paired: HueHub, around: Surroundings
) -> None:
    paired.keys.clear()
    paired.link_button = True
    await pair(paired, around)
    (pairing,) = Pairings(around.state_dir).load()
    assert {pairing.key} == paired.keys


async def test_an_old_hub_is_paired_over_http_and_used(hub: HueHub, around: Surroundings) -> None:
    hub.tls, hub.link_button = False, True
    async with hub.running():
        await pair(hub, around)
        (pairing,) = Pairings(around.state_dir).load()
        assert pairing.fingerprint is None
        async with lit(hub, around) as light:
            await light.apply(RED)
    assert hub.values()["on"]


async def test_https_can_be_insisted_on(hub: HueHub, around: Surroundings) -> None:
    hub.tls, hub.link_button = False, True
    async with hub.running():
        with pytest.raises(LightUnreachableError):
            await pair(hub, around, protocol="https")


async def test_a_hub_that_had_https_is_not_paired_without(
    hub: HueHub, around: Surroundings
) -> None:
    hub.tls, hub.link_button = False, True
    Pairings(around.state_dir).save(
        Pairing(hub_id=hub.hub_id.lower(), key=KEY, fingerprint="ab" * 32)
    )
    async with hub.running():
        with pytest.raises(LightRefusedError, match="was paired over https"):
            await pair(hub, around)
        await pair(hub, around, protocol="http")


@pytest.mark.parametrize("behaves", ["html", "garbage"])
async def test_something_else_than_a_hub_is_not_paired(
    hub: HueHub, around: Surroundings, behaves: str
) -> None:
    hub.behaves = behaves
    async with hub.running():
        with pytest.raises(LightRefusedError, match="not as a Hue hub"):
            await pair(hub, around)


# Showing


@pytest.mark.parametrize(
    ("choice", "path"),
    [
        ({"light": "Desk"}, "/lights/1/state"),
        ({"light": "desk"}, "/lights/1/state"),
        ({"light": 1}, "/lights/1/state"),
        ({"light": "1"}, "/lights/1/state"),
        ({"group": "Office"}, "/groups/1/action"),
        ({"group": 1}, "/groups/1/action"),
        ({"group": 0}, "/groups/0/action"),
    ],
    ids=str,
)
async def test_a_light_or_group_is_found_by_name_or_number(
    paired: HueHub, around: Surroundings, choice: dict[str, Any], path: str
) -> None:
    async with lit(paired, around, **choice) as light:
        await light.apply(RED)
    assert [put for put, _ in paired.puts] == [path]
    assert paired.values()["on"]
    assert paired.values()["bri"] == 254
    assert paired.values()["xy"] == [0.6915, 0.3083]


async def test_the_room_is_meant_where_another_group_has_its_name(
    paired: HueHub, around: Surroundings
) -> None:
    paired.groups["1"]["type"] = "Entertainment"
    paired.groups["2"] = {"name": "OFFICE", "type": "Room", "lights": ["3"]}
    async with lit(paired, around, group="office") as light:
        await light.apply(RED)
    assert [place for place, _ in paired.puts] == ["/groups/2/action"]
    paired.groups["3"] = {"name": "office ", "type": "Zone", "lights": ["1"]}
    async with lit(paired, around, group="office") as light:
        with pytest.raises(LightRefusedError, match=r"2 \(Room\), 3 \(Zone\)"):
            await light.apply(RED)


async def test_a_white_lamp_and_a_plug_show_what_they_can(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around, light="Hall") as light:
        await light.apply(GREEN)
    async with lit(paired, around, light="Fan") as light:
        await light.apply(GREEN)
        await light.apply(OFF)
    assert paired.values(3)["bri"] == 127
    assert not paired.values(4)["on"]


async def test_the_transition_is_sent_except_when_it_goes_out(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around, transition=1.5) as light:
        await light.apply(RED)
        await light.apply(OFF)
    assert [body.get("transitiontime") for body in bodies(paired)] == [15, None]
    assert not paired.values()["on"]


async def test_an_animation_sends_what_changes_and_all_of_it_now_and_then(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around, transition=0) as light:
        for tenths in range(10, 4, -1):
            await light.fade(RED.model_copy(update={"brightness": tenths / 10}), 1.0)
            await clock_of(around).advance(2.5)
    sent = [sorted(body.keys() - {"transitiontime"}) for body in bodies(paired)]
    whole = ["bri", "on", "xy"]
    assert sent == [whole, ["bri"], ["bri"], ["bri"], whole, ["bri"]]
    assert {body["transitiontime"] for body in bodies(paired)} == {10}


async def test_a_look_is_written_whole_whatever_another_program_made_of_the_lamp(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.values()["xy"] = [0.17, 0.7]
        await light.apply(RED.model_copy(update={"brightness": 0.5}))
    assert paired.values()["xy"] == [0.6915, 0.3083]


@pytest.mark.usefixtures("no_stream")
async def test_a_pulse_costs_the_hub_two_writes_a_period(
    paired: HueHub, around: Surroundings
) -> None:
    """And a wall switch in a call is left alone, also by an animation."""
    clock, pulse = clock_of(around), LightState(color=RED.color, effect=Effect.PULSE, period_s=4)
    async with lit(paired, around) as light, following(light, clock, state=pulse):
        for _ in range(4):
            await clock.until_asleep()
            await clock.advance(2)
        await clock.until_asleep()
        written = [(body["bri"], body["transitiontime"]) for body in bodies(paired)]
        assert written == [(254, 4), (38, 20), (254, 20), (38, 20), (254, 20)]
        paired.values()["on"] = False
        await clock.advance(2)
        await clock.until_asleep()
        await clock.advance(60)
        assert not paired.values()["on"]


async def test_showing_the_same_twice_is_harmless(paired: HueHub, around: Surroundings) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        before = dict(paired.values())
        await light.apply(RED)
    assert paired.values() == before


async def test_a_lamp_that_an_app_switched_off_during_an_animation_comes_back_on(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.values()["on"] = False
        await light.fade(RED.model_copy(update={"brightness": 0.5}), 1.0)
    assert paired.values()["on"]
    assert paired.values()["bri"] == 127


async def test_a_colour_loop_that_an_app_started_is_ended_by_the_next_look(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        paired.values()["effect"] = "colorloop"
        assert await light.changed_by_others()
        await light.apply(GREEN)
    assert paired.values()["effect"] == "none"


async def test_a_colour_loop_is_ended(paired: HueHub, around: Surroundings) -> None:
    paired.values()["effect"] = "colorloop"
    async with lit(paired, around) as light:
        await light.apply(RED)
    assert paired.values()["effect"] == "none"


@pytest.mark.parametrize(("choice", "interval_s"), [({"light": 1}, 0.25), ({"group": 1}, 1.0)])
async def test_a_group_is_written_once_a_second_at_most(
    paired: HueHub, around: Surroundings, choice: dict[str, Any], interval_s: float
) -> None:
    async with lit(paired, around, **choice) as light:
        assert isinstance(light, Paced)
        assert light.min_interval_s == interval_s


async def test_one_connection_serves_for_all(paired: HueHub, around: Surroundings) -> None:
    async with lit(paired, around) as light:
        paired.callers.clear()
        for state in (RED, GREEN, OFF) * 3:
            await light.apply(state)
    assert len(paired.callers) == 1


# Refusals and failures


async def test_a_lamp_without_pairing_says_how_to_pair(hub: HueHub, around: Surroundings) -> None:
    async with hub.running(), lit(hub, around) as light:
        with pytest.raises(LightRefusedError, match="presence-driver pair desk"):
            await light.apply(RED)
    assert hub.keys_seen == []


async def test_a_deleted_key_says_how_to_pair_and_a_new_pairing_helps_at_once(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.keys.clear()
        with pytest.raises(LightRefusedError, match="presence-driver pair desk"):
            await light.apply(GREEN)
        paired.link_button = True
        await pair(paired, around)
        await light.apply(GREEN)
    assert paired.values()["bri"] == 127


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"light": "Dsek"}, r"no light 'Dsek'.* 1 'Desk', 2 'Door'"),
        ({"light": 9}, r"no light 9.* 1 'Desk'"),
        ({"group": "Kitchen"}, r"no group 'Kitchen'.* 1 'Office'"),
        ({"light": "Twin"}, r"2 lights .* called 'Twin'.* light = 5 or 6"),
        ({"group": "Empty"}, "group 'Empty' has no lights"),
    ],
    ids=str,
)
async def test_a_wrong_name_is_answered_with_the_right_ones(
    paired: HueHub, around: Surroundings, choice: dict[str, Any], text: str
) -> None:
    paired.lights |= {"5": color_light("Twin"), "6": color_light("Twin")}
    paired.groups["2"] = {"name": "Empty", "lights": []}
    async with lit(paired, around, **choice) as light:
        with pytest.raises(LightRefusedError, match=text):
            await light.apply(RED)


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_light_that_got_another_number_is_rediscovered(
    paired: HueHub, around: Surroundings, *, is_taken: bool
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.lights["8"] = paired.lights.pop("1")
        with pytest.raises(LightUnreachableError, match="not available"):
            await (light.snapshot() if is_taken else light.apply(GREEN))
        if is_taken:
            assert list((await light.snapshot())["lights"]) == ["8"]
        await light.apply(GREEN)
    assert paired.values(8)["bri"] == 127


async def test_a_lamp_without_power_is_unreachable_unless_it_should_be_dark(
    paired: HueHub, around: Surroundings
) -> None:
    paired.values()["reachable"] = False
    async with lit(paired, around) as light:
        with pytest.raises(LightUnreachableError, match="is the power on"):
            await light.apply(RED)
        await light.apply(OFF)
        paired.values()["reachable"] = True
        await light.apply(RED)


async def test_a_group_is_reachable_while_one_lamp_is(paired: HueHub, around: Surroundings) -> None:
    paired.values(1)["reachable"] = paired.values(2)["reachable"] = False
    async with lit(paired, around, group="Office") as light:
        await light.apply(RED)


@pytest.mark.parametrize(
    ("behaves", "error", "text"),
    [
        ("silent", LightUnreachableError, "(did|does) not answer"),
        ("drip", LightUnreachableError, "did not answer within 1.5 s"),
        ("close", LightUnreachableError, "breaks the connection"),
        ("503", LightUnreachableError, "answers HTTP 503"),
        ("429", LightUnreachableError, "answers HTTP 429"),
        ("busy", LightUnreachableError, "Internal error"),
        ("html", LightRefusedError, "not as a Hue hub"),
        ("garbage", LightRefusedError, "not as a Hue hub"),
    ],
)
async def test_whatever_goes_wrong_is_reported_in_time_and_the_next_look_is_shown(
    paired: HueHub, around: Surroundings, behaves: str, error: type[Exception], text: str
) -> None:
    answer_s = 1.0 if behaves in ("silent", "drip") else SOON_S
    async with lit(paired, around, answer_s=answer_s) as light:
        await light.apply(RED)
        paired.behaves = behaves
        async with asyncio.timeout(SOON_S):
            with pytest.raises(error, match=text) as caught:
                await light.apply(GREEN)
        assert getattr(caught.value, "retry_after_s", None) == (7 if behaves == "429" else None)
        paired.behaves = ""
        await light.apply(GREEN)
    assert paired.values()["bri"] == 127


async def test_a_hub_that_does_not_run_is_unreachable_and_opening_does_not_ask_it(
    hub: HueHub, around: Surroundings
) -> None:
    Pairings(around.state_dir).save(Pairing(hub_id="0" * 16, key=KEY, fingerprint="ab" * 32))
    hub.port = 1
    async with lit(hub, around) as light:
        with pytest.raises(LightUnreachableError, match="refuses connections"):
            await light.apply(RED)


async def test_a_hub_that_reboots_is_reused(hub: HueHub, around: Surroundings) -> None:
    hub.link_button = True
    async with hub.running():
        await pair(hub, around)
    async with lit(hub, around) as light:
        async with hub.running():
            await light.apply(RED)
        with pytest.raises(LightUnreachableError):
            await light.apply(GREEN)
        async with hub.running():
            await light.apply(GREEN)
        async with hub.running():
            await light.apply(RED)  # it came back before we noticed
    assert hub.values()["bri"] == 254


async def test_a_hub_that_moved_keeps_its_pairing(hub: HueHub, around: Surroundings) -> None:
    hub.link_button = True
    async with hub.running():
        await pair(hub, around)
    before, hub.port = hub.port, 0
    async with hub.running(), lit(hub, around) as light:
        assert hub.port != before
        await light.apply(RED)
    assert hub.values()["on"]


@pytest.mark.parametrize(
    ("speaks", "texts"),
    [
        (
            "https",
            ["another certificate", "certificate that was not paired.* presence-driver pair"],
        ),
        ("http", ["the hub at 127.0.0.1", "the hub at 127.0.0.1"]),
    ],
    ids=["another certificate", "no https"],
)
async def test_a_stranger_at_the_address_never_gets_the_key(
    hub: HueHub, around: Surroundings, speaks: str, texts: list[str]
) -> None:
    hub.link_button = True
    async with hub.running():
        await pair(hub, around)
    async with lit(hub, around) as light:
        async with hub.running():
            await light.apply(RED)
        hub.keys_seen.clear()
        hub.change_certificate()
        hub.tls = speaks == "https"
        async with hub.running():
            for text in texts:
                with pytest.raises((LightRefusedError, LightUnreachableError), match=text):
                    await light.apply(GREEN)
    assert hub.keys_seen == []


async def test_a_stranger_without_https_never_gets_the_key_of_an_old_hub(
    hub: HueHub, around: Surroundings
) -> None:
    hub.tls, hub.link_button = False, True
    async with hub.running():
        await pair(hub, around)
        hub.keys_seen.clear()
        hub.hub_id = "001788FFFE999999"
        async with lit(hub, around) as light:
            with pytest.raises(LightRefusedError, match="is not paired"):
                await light.apply(RED)
    assert hub.keys_seen == []


async def test_cancelling_in_the_middle_ends_at_once_and_frees_the_light(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.behaves = "silent"
        task = asyncio.create_task(light.apply(GREEN))
        async with asyncio.timeout(SOON_S / 2):
            await paired.holding.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            paired.behaves = ""
            await light.apply(OFF)
    assert not paired.values()["on"]


async def test_what_was_given_up_before_it_was_sent_is_never_sent(
    paired: HueHub,
) -> None:
    transport = Transport(paired.address, timeout_s=SOON_S)
    paired.keys_seen.clear()
    transport.cut.set()
    with pytest.raises(LightUnreachableError):
        await asyncio.to_thread(transport.exchange, "PUT", f"/api/{KEY}/lights/1/state", {})
    assert paired.keys_seen == []
    transport.cut = CutOff()
    await asyncio.to_thread(transport.exchange, "PUT", f"/api/{KEY}/lights/1/state", {})
    assert paired.keys_seen == [KEY]
    transport.close()


# Leaving, and others


@pytest.mark.parametrize("choice", [{"light": "Desk"}, {"group": "Office"}], ids=str)
async def test_all_lamps_are_left_as_they_were_found(
    paired: HueHub, around: Surroundings, choice: dict[str, Any]
) -> None:
    watched = ("on", "bri", "ct", "colormode")
    before = {n: [paired.values(n).get(key) for key in watched] for n in (1, 2, 3)}
    async with lit(paired, around, **choice) as light:
        assert isinstance(light, Restorable)
        found = await light.snapshot()
        await light.apply(GREEN)
        written = len(paired.puts)
        task = asyncio.create_task(light.restore(found))
        await clock_of(around).until_asleep()
        assert len(paired.puts) == written + 1  # and rests before the next
        await done(task, clock_of(around))
    assert {n: [paired.values(n).get(key) for key in watched] for n in (1, 2, 3)} == before


async def test_a_lamp_that_vanished_does_not_keep_the_others_from_being_restored(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around, group="Office") as light:
        found = await light.snapshot()
        await light.apply(GREEN)
        del paired.lights["1"]
        with pytest.raises(LightUnreachableError, match="not available"):
            await done(light.restore(found), clock_of(around))
        assert paired.values(2)["colormode"] == "ct"
        assert paired.values(2)["bri"] == 90
        paired.values(2)["bri"] = 33  # by the app, before the next try
        with pytest.raises(LightUnreachableError, match="not available"):
            await done(light.restore(found), clock_of(around))
        assert paired.values(2)["bri"] == 33


@pytest.mark.parametrize(("on", "comes_later"), [(True, True), (False, False)])
async def test_a_lamp_without_power_is_brought_back_when_it_has_it(
    paired: HueHub, around: Surroundings, *, on: bool, comes_later: bool
) -> None:
    paired.values()["on"] = on
    async with lit(paired, around) as light:
        found = await light.snapshot()
        await light.apply(RED)
        paired.values()["reachable"] = False
        for power in (False, True):
            paired.values()["reachable"] = power
            written = len(paired.puts)
            waits = pytest.raises(LightUnreachableError, match="is the power on")
            with waits if comes_later and not power else nullcontext():
                await done(light.restore(found), clock_of(around))
            assert len(paired.puts) > written
    assert paired.values()["colormode"] == "ct"


@pytest.mark.parametrize(
    "change", [{"on": False}, {"bri": 20}, {"ct": 366, "colormode": "ct"}], ids=str
)
@pytest.mark.parametrize("choice", [{"light": "Desk"}, {"group": "Office"}], ids=str)
async def test_a_change_by_an_app_or_a_switch_is_noticed(
    paired: HueHub, around: Surroundings, choice: dict[str, Any], change: dict[str, Any]
) -> None:
    async with lit(paired, around, **choice) as light:
        assert isinstance(light, Watchable)
        assert not await light.changed_by_others()
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        assert not await light.changed_by_others()
        paired.values().update(change)
        assert await light.changed_by_others()
        assert not await light.changed_by_others()


async def test_a_lamp_that_still_fades_was_changed_by_nobody(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around, transition=9) as light:
        await light.apply(RED)
        paired.values()["bri"] = 100
        await clock_of(around).advance(LOOK_EVERY_S)
        assert not await light.changed_by_others()
        await clock_of(around).advance(LOOK_EVERY_S)
        assert await light.changed_by_others()


@pytest.mark.usefixtures("no_stream")
async def test_the_lamp_leaves_what_an_app_has_set_until_presence_changes(
    paired: HueHub, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = clock_of(around)
    async with lit(paired, around) as light, following(light, clock) as target:
        await clock.until_asleep()
        assert paired.values()["xy"] == [0.6915, 0.3083]
        paired.values()["bri"] = 20
        with heard("changed by somebody else") as noticed:
            await clock.advance(LOOK_EVERY_S)
            await noticed.wait()
        await clock.advance(60)
        assert paired.values()["bri"] == 20
        target.set(GREEN)
        await clock.settle()
        await clock.until_asleep()
        assert paired.values()["bri"] == 127


@pytest.mark.parametrize("alike", [True, False])
async def test_a_group_of_fifty_is_restored_within_a_stop(
    paired: HueHub, around: Surroundings, *, alike: bool
) -> None:
    paired.lights = {
        str(n): color_light(f"Lamp {n}", on=n % 2 == 0, bri=100 if alike else n + 1)
        for n in range(1, 51)
    }
    if alike:
        for lamp in paired.lights.values():
            lamp["state"]["on"] = True
    paired.groups = {"1": {"name": "Office", "lights": list(paired.lights)}}
    before = {n: (paired.values(n)["on"], paired.values(n)["bri"]) for n in range(1, 51)}
    clock = clock_of(around)
    async with lit(paired, around, group="Office") as light:
        found = await light.snapshot()
        await light.apply(GREEN)
        began_s, written = clock.monotonic(), len(paired.puts)
        await done(light.restore(found), clock, step_s=0.05)
    assert clock.monotonic() - began_s < LEAVE_S
    after = {n: (paired.values(n)["on"], paired.values(n)["bri"]) for n in range(1, 51)}
    if alike:
        assert len(paired.puts) == written + 1
        assert after == before
    else:
        assert {n: on for n, (on, _) in after.items()} == {n: on for n, (on, _) in before.items()}
        assert all(after[n] == before[n] for n in after if before[n][0])


async def test_a_waiting_driver_tries_at_once_when_its_hub_was_paired(
    hub: HueHub, around: Surroundings, home: Path
) -> None:
    clock, reachable = clock_of(around), list[bool]()
    async with (
        hub.running(),
        lit(hub, around) as light,
        following(light, clock, reachable=reachable.append, watch_others=False),
    ):
        await clock.until_asleep()
        assert reachable == [False]
        assert await light.is_mended() is False
        hub.link_button = True
        await pair(hub, around)
        assert await light.is_mended()
        async with asyncio.timeout(SOON_S):
            while reachable[-1:] != [True]:
                await clock.advance(0.1)
                await asyncio.sleep(0.005)
        assert clock.monotonic() < 2 * MENDED_EVERY_S


# Events


@pytest.fixture
async def telling(paired: HueHub) -> HueHub:
    """A paired hub that has events."""
    paired.streams = True
    return paired


async def listening(hub: HueHub, light: HueLight) -> None:
    """Until the light hears its hub, and has read what was before."""
    await light.changed_by_others()
    async with asyncio.timeout(SOON_S):
        await hub.listening.wait()
        reads = -1
        while hub.reads != reads:
            reads = hub.reads
            await light.changed_by_others()
            await asyncio.sleep(0.005)


async def changed(light: HueLight) -> bool:
    """Whether a change is noticed in time."""
    async with asyncio.timeout(SOON_S):
        while not await light.changed_by_others():  # noqa: ASYNC110 - from the other end of a socket
            await asyncio.sleep(0.005)
    return True


@pytest.mark.parametrize("choice", [{"light": "Desk"}, {"group": "Office"}], ids=str)
async def test_a_hub_that_sends_events_is_not_polled_until_one_names_the_light(
    telling: HueHub, around: Surroundings, choice: dict[str, Any]
) -> None:
    async with lit(telling, around, **choice) as light:
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        await listening(telling, light)
        reads = telling.reads
        telling.by_another_hand(4, on=True)
        telling.tell({"type": "temperature", "id": "v2-9"})
        for _ in range(100):
            await clock_of(around).advance(LOOK_EVERY_S)
            assert not await light.changed_by_others()
        assert telling.reads == reads
        telling.by_another_hand(bri=20)
        assert await changed(light)
        assert telling.reads > reads
        assert not await light.changed_by_others()
    assert telling.listeners == [] or await ended(telling)
    assert telling.refused == []


async def ended(hub: HueHub) -> bool:
    """Whether nobody listens in the end."""
    async with asyncio.timeout(SOON_S):
        while hub.listeners:  # noqa: ASYNC110 - the other end of a socket
            await asyncio.sleep(0.005)
    return True


@pytest.mark.parametrize(
    "part",
    [
        {"type": "light", "id": "v2-1"},
        {"type": "zigbee_connectivity", "id": "v2-c", "id_v1": "/lights/1"},
    ],
    ids=["without a number of v1", "power is away"],
)
async def test_what_may_be_about_the_light_is_looked_into(
    telling: HueHub, around: Surroundings, part: dict[str, Any]
) -> None:
    async with lit(telling, around) as light:
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        await listening(telling, light)
        telling.values()["reachable"] = False
        assert not await light.changed_by_others()
        telling.tell(part)
        with pytest.raises(LightUnreachableError, match="is the power on"):
            await changed(light)


async def test_a_change_while_the_lamp_fades_is_noticed_after_it(
    telling: HueHub, around: Surroundings
) -> None:
    async with lit(telling, around, transition=9) as light:
        await listening(telling, light)
        await light.apply(RED)
        telling.by_another_hand(bri=100)
        for _ in range(20):  # the event comes meanwhile
            assert not await light.changed_by_others()
            await asyncio.sleep(0.01)
        await clock_of(around).advance(2 * LOOK_EVERY_S)
        assert await light.changed_by_others()


async def test_what_was_before_the_hub_is_heard_is_looked_into_once(
    telling: HueHub, around: Surroundings
) -> None:
    (pairing,) = Pairings(around.state_dir).load()
    async with Worker("ear") as ear:
        events = Events(ear, answer_s=SOON_S, clock=around.clock, random=lambda: 0.0)
        events.follow(telling.address, pairing)
        assert events.may_concern({"/lights/1"})
        async with asyncio.timeout(SOON_S):
            while not events.is_live:  # noqa: ASYNC110 - a thread opens it
                await asyncio.sleep(0.005)
        looks = [events.may_concern({"/lights/1"}) for _ in range(2)]
        assert looks == [True, False]
        await events.end()
        await ended(telling)


async def test_a_hub_at_another_address_is_heard_there(
    telling: HueHub, around: Surroundings
) -> None:
    (pairing,) = Pairings(around.state_dir).load()
    async with Worker("ear") as ear:
        events = Events(ear, answer_s=SOON_S, clock=around.clock, random=lambda: 0.0)
        before: list[asyncio.Queue[str | None]] = []
        for host in ("127.0.0.1", "localhost"):
            async with asyncio.timeout(SOON_S):
                while not telling.listeners or telling.listeners == before:
                    events.follow(f"{host}:{telling.port}", pairing)
                    await clock_of(around).advance(1)
                    await asyncio.sleep(0.005)
            before = list(telling.listeners)
        await events.end()
        await ended(telling)


async def test_a_stream_that_is_silent_for_long_is_reopened_at_once(
    telling: HueHub, around: Surroundings
) -> None:
    (pairing,) = Pairings(around.state_dir).load()
    async with Worker("ear") as ear:
        events = Events(ear, answer_s=SOON_S, clock=around.clock, random=lambda: 1.0, silent_s=0.05)
        seen: set[int] = set()
        async with asyncio.timeout(SOON_S):
            while len(seen) < 3:
                events.follow(telling.address, pairing)
                seen |= {id(listener) for listener in telling.all_listeners}
                await asyncio.sleep(0.005)
        await events.end()
        await ended(telling)


async def test_the_key_is_shown_to_no_stream_without_a_certificate(around: Surroundings) -> None:
    used: list[Any] = []

    async def worker(*call: Any) -> None:
        used.append(call)

    events = Events(cast("Worker", worker), answer_s=SOON_S, clock=around.clock, random=lambda: 0.0)
    for pairing in (None, Pairing(hub_id="0" * 16, key=KEY, fingerprint=None)):
        events.follow("192.0.2.7", pairing)
        assert events.may_concern(set())
    await asyncio.sleep(0)
    assert used == []


async def test_a_stream_that_ends_is_replaced_by_questions_and_reopened(
    telling: HueHub, around: Surroundings
) -> None:
    async with lit(telling, around) as light:
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        await listening(telling, light)
        telling.streams = False
        telling.end_streams()
        await ended(telling)
        telling.values()["bri"] = 20  # nobody tells
        assert await changed(light)
        telling.streams = True
        async with asyncio.timeout(SOON_S):
            while not telling.listeners:
                await clock_of(around).advance(NONE_S)
                await light.changed_by_others()
                await asyncio.sleep(0.005)
        await light.apply(RED)
        await clock_of(around).advance(LOOK_EVERY_S)
        telling.by_another_hand(bri=30)
        assert await changed(light)


async def test_a_hub_without_events_is_asked_each_time_and_seldom_for_a_stream(
    paired: HueHub, around: Surroundings
) -> None:
    async with lit(paired, around) as light:
        await light.apply(RED)
        async with asyncio.timeout(SOON_S):
            while not paired.refused:
                await light.changed_by_others()
                await asyncio.sleep(0.005)
        reads = paired.reads
        for _ in range(10):
            await clock_of(around).advance(LOOK_EVERY_S)
            await light.changed_by_others()
        assert paired.reads == reads + 10
    assert paired.refused == [404]


async def test_an_old_hub_without_https_is_never_asked_for_a_stream(
    hub: HueHub, around: Surroundings
) -> None:
    hub.tls, hub.link_button, hub.streams = False, True, True
    async with hub.running():
        await pair(hub, around)
        async with lit(hub, around) as light:
            await light.apply(RED)
            for _ in range(3):
                await clock_of(around).advance(LOOK_EVERY_S)
                await light.changed_by_others()
    assert hub.refused == []


async def test_a_stream_that_a_silent_hub_does_not_begin_stops_at_once(
    telling: HueHub, around: Surroundings
) -> None:
    async with lit(telling, around, answer_s=SOON_S) as light:
        await light.apply(RED)
        telling.behaves = "silent"
        look = asyncio.create_task(light.changed_by_others())
        await telling.holding.wait()
        look.cancel()
        began_s = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - began_s < SOON_S / 2


# A hub that moved


async def test_a_hub_that_moved_is_found_by_its_id_and_its_new_place_is_remembered(
    hub: HueHub, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hub.link_button = hub.streams = True
    searched: list[str] = []

    async def search(hub_id: str) -> str:
        searched.append(hub_id)
        return hub.address

    async with hub.running():
        await pair(hub, around)
        said = options(hub)
        async with opened(said, around, search=search) as light:
            assert isinstance(light, HueLight)
            await light.apply(RED)
            found = await light.snapshot()
    hub.port = 0
    async with hub.running(), opened(said, around, search=search) as light:
        assert hub.address != said.hub
        assert isinstance(light, HueLight)
        await done(light.restore(found), clock_of(around))
        await light.apply(GREEN)
        await clock_of(around).advance(LOOK_EVERY_S)
        await listening(hub, light)
    assert f"the hub 001788fffe23bfc2 is at {hub.address} now" in caplog.text
    async with hub.running(), opened(said, around, search=nowhere) as light:
        await light.apply(RED)
    assert searched == ["001788fffe23bfc2"]
    assert hub.values()["bri"] == 254


async def test_a_hub_that_moves_while_the_lamp_shines_is_followed(
    hub: HueHub, around: Surroundings
) -> None:
    hub.link_button = hub.streams = True

    async def search(_: str) -> str:
        return hub.address

    async with hub.running():
        await pair(hub, around)
        said = hub.address
    async with opened(HueOptions(hub=said, light=1), around, search=search) as light:
        assert isinstance(light, HueLight)
        async with hub.running():
            await light.apply(RED)
            await clock_of(around).advance(LOOK_EVERY_S)
            await listening(hub, light)
        hub.port = 0
        async with hub.running():
            async with asyncio.timeout(SOON_S):
                while not hub.listeners:
                    with suppress(LightUnreachableError):
                        await light.changed_by_others()
                    await clock_of(around).advance(60)
                    await asyncio.sleep(0.005)
            await light.apply(GREEN)
            assert hub.values()["bri"] == 127


async def test_an_announcement_that_is_out_of_date_hides_no_hub(
    hub: HueHub, around: Surroundings
) -> None:
    hub.link_button = True
    async with hub.running():
        await pair(hub, around)
        said = options(hub)
    searched = 0

    async def search(_: str) -> str:
        nonlocal searched
        searched += 1
        return "127.0.0.1:1"

    async with opened(said, around, search=search) as light:
        for _ in range(2):
            with pytest.raises(LightUnreachableError):
                await light.apply(RED)
        async with hub.running():
            await light.apply(RED)
    assert searched == 2
    assert hub.puts


async def test_another_paired_hub_at_the_old_address_is_not_taken_for_the_own(
    hub: HueHub, around: Surroundings, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other = HueHub(tmp_path / "other", hub_id="001788FFFE999999", lights={"1": color_light("Desk")})
    hub.link_button = other.link_button = True

    async def search(hub_id: str) -> str:
        assert hub_id == hub.hub_id.lower()
        return hub.address

    async with other.running():
        await pair(other, around._replace(name="door"))
    async with hub.running():
        await pair(hub, around)
        said = options(hub)
    other.port, hub.port = hub.port, 0
    async with other.running(), hub.running(), opened(said, around, search=search) as light:
        await light.apply(RED)
    assert hub.puts
    assert not other.puts


async def test_of_two_paired_hubs_the_own_is_searched_for_until_it_answers(
    hub: HueHub, around: Surroundings
) -> None:
    hub.link_button = True
    answers: list[str | None] = [None, None]

    async def search(hub_id: str) -> str | None:
        assert hub_id == hub.hub_id.lower()
        return answers.pop() if answers else hub.address

    async with hub.running():
        await pair(hub, around)
        said = options(hub)
    Pairings(around.state_dir).save(Pairing(hub_id="0" * 16, key=KEY, fingerprint="ab" * 32))
    async with opened(said, around, search=search) as light:
        for _ in range(2):
            with pytest.raises(LightUnreachableError):
                await light.apply(RED)
        hub.port = 0
        async with hub.running():
            await light.apply(RED)
    assert hub.puts


async def test_a_hub_that_took_the_place_of_the_old_one_serves_its_lamps(
    hub: HueHub, around: Surroundings, tmp_path: Path
) -> None:
    """The old one is gone, and another lamp was paired with the new one."""
    (tmp_path / "new").mkdir()
    new = HueHub(tmp_path / "new", hub_id="001788FFFE999999", lights={"1": color_light("Desk")})
    hub.link_button = new.link_button = True
    async with hub.running():
        await pair(hub, around)
    new.port = hub.port
    async with new.running():
        await pair(new, around._replace(name="door"))
        async with lit(hub, around) as light:
            await light.apply(RED)
    assert new.puts


async def test_a_hub_may_be_named_by_its_id(
    hub: HueHub, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    hub.link_button = True
    by_id = HueOptions(hub=hub.hub_id, light="Desk")
    async with hub.running():
        await pair(hub, around)

        async def search(hub_id: str) -> str:
            assert hub_id == hub.hub_id.lower()
            return hub.address

        async with opened(by_id, around, search=nowhere) as light:
            with pytest.raises(LightUnreachableError, match="001788fffe23bfc2 answers in this"):
                await light.apply(RED)
        async with opened(by_id, around, search=search) as light:
            await light.apply(RED)
        async with opened(by_id, around, search=nowhere) as light:
            await light.apply(GREEN)
    assert hub.values()["bri"] == 127


# Manners of phue


async def test_the_key_is_never_logged(
    paired: HueHub, around: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("phue").setLevel(logging.DEBUG)
    async with lit(paired, around) as light:
        await light.apply(RED)
        paired.behaves = "close"
        with pytest.raises(LightUnreachableError) as caught:
            await light.apply(GREEN)
    (pairing,) = Pairings(around.state_dir).load()
    assert pairing.key not in caplog.text
    assert pairing.key not in str(caught.value)


def test_phue_is_loaded_only_when_a_light_is_opened() -> None:
    code = (
        "import sys, drivers.hue\n"
        "assert not {'phue', 'aiohttp', 'msal'} & sys.modules.keys(), 'too early'\n"
        "import drivers.hue.hub\n"
        "assert 'phue' in sys.modules\n"
        "assert not {'aiohttp', 'msal', 'requests'} & sys.modules.keys(), 'too much'\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-B", "-c", code], check=True, timeout=60)
