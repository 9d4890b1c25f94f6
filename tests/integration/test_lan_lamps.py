"""LIFX, WiZ and Yeelight on the loopback network: what is theirs alone."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lifx_emulator import (
    create_color_light,
    create_color_temperature_light,
    create_multizone_light,
)
from pydantic import BaseModel, ValidationError

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF, Effect, LightState
from drivers import lifx_lamp, wiz_lamp, yeelight_lamp
from drivers.base import Capability, Surroundings
from drivers.commands.finding import report
from drivers.lifx_lamp import LifxOptions
from drivers.testing import FakeBus, ManualClock
from drivers.wiz_lamp import WizOptions
from drivers.yeelight_lamp import YeelightOptions
from tests.fakes.lan_lamps import Crowd, LifxLamp, SearchAnswers, WizBulb, Yeelight, free_port

RED, WHITE = LightState(color=(255, 0, 0)), LightState(brightness=0.5)
CONFIG = '# mine\n[drivers.shelf] # old\nkind = "console"\n'


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def around(tmp_path: Path, clock: ManualClock) -> Surroundings:
    return Surroundings("desk", tmp_path, clock, FakeBus())


@asynccontextmanager
async def plugged(lamp: Any) -> AsyncIterator[Any]:
    await lamp.plug()
    try:
        yield lamp
    finally:
        await lamp.unplug()


async def test_a_lifx_lamp_at_another_address_is_rediscovered_by_its_label(
    around: Surroundings,
) -> None:
    first, second = LifxLamp(), LifxLamp()
    second.port = first.port
    second.device.state.port = first.port
    options = LifxOptions(label="desk", broadcast="127.0.0.1", port=first.port)
    async with lifx_lamp.KIND.open(options, around) as light:
        async with plugged(first):
            await light.apply(RED)
        with pytest.raises(LightUnreachableError, match="desk"):
            await light.apply(RED)
        async with plugged(second):
            await light.apply(RED)
    assert len(first.told) == len(second.told) == 1


async def test_a_lifx_lamp_of_another_label_is_not_taken_for_it(around: Surroundings) -> None:
    async with plugged(LifxLamp()) as lamp:
        options = LifxOptions(label="Des", broadcast="127.0.0.1", port=lamp.port)
        async with lifx_lamp.KIND.open(options, around) as light:
            with pytest.raises(LightUnreachableError, match="no LIFX lamp 'Des' answers"):
                await light.apply(RED)
    assert lamp.told == []


async def test_a_lifx_strip_gets_the_colour_of_each_zone_back(around: Surroundings) -> None:
    async with plugged(LifxLamp(create_multizone_light)) as lamp:
        zones = lamp.device.state.zone_colors
        for number, zone in enumerate(zones):
            zone.hue = number % 60 * 1000
        before = [zone.hue for zone in zones]
        options = LifxOptions(host="127.0.0.1", port=lamp.port)
        async with lifx_lamp.KIND.open(options, around) as light:
            found = await light.snapshot()  # type: ignore[attr-defined]
            await light.apply(RED)
            await light.restore(found)  # type: ignore[attr-defined]
        lamp.device.settle()
        after = [zone.hue for zone in lamp.device.state.zone_colors]
        assert all(abs(one - other) <= 1 for one, other in zip(before, after, strict=True))


async def test_a_white_lifx_lamp_says_that_it_has_no_colours(around: Surroundings) -> None:
    async with plugged(LifxLamp(create_color_temperature_light)) as lamp:
        options = LifxOptions(host="127.0.0.1", port=lamp.port)
        async with lifx_lamp.KIND.open(options, around) as light:
            assert await light.capability() is Capability.WHITE  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("model", "firmware", "can", "shown"),
    [
        ("ESP21_SHTW_01", "1.25.0", Capability.WHITE, {"state", "dimming", "temp"}),
        ("ESP05_SHDW_21", "1.25.0", Capability.WHITE, {"state", "dimming"}),
        ("ESP10_SOCKET_06", "1.25.0", Capability.ON_OFF, {"state"}),
    ],
)
async def test_a_wiz_lamp_is_sent_only_what_its_model_can(
    around: Surroundings, model: str, firmware: str, can: Capability, shown: set[str]
) -> None:
    async with plugged(WizBulb(model, firmware)) as bulb:
        options = WizOptions(host="127.0.0.1", port=bulb.port)
        async with wiz_lamp.KIND.open(options, around) as light:
            assert await light.capability() is can  # type: ignore[attr-defined]
            await light.apply(RED)
            assert bulb.told[-1].keys() == shown
            await light.apply(OFF)
            assert bulb.told[-1] == {"state": False}


async def test_a_wiz_lamp_is_found_by_its_mac_and_a_change_by_the_app_is_noticed(
    around: Surroundings,
) -> None:
    async with plugged(WizBulb()) as bulb:
        options = WizOptions(mac="A8:BB:50:06:03:3D", broadcast="127.0.0.1", port=bulb.port)
        async with wiz_lamp.KIND.open(options, around) as light:
            await light.apply(RED)
            assert not await light.changed_by_others()  # type: ignore[attr-defined]
            bulb.shown.update(r=0, g=255)
            assert await light.changed_by_others()  # type: ignore[attr-defined]


async def test_a_wiz_lamp_with_another_mac_is_left_alone(around: Surroundings) -> None:
    async with plugged(WizBulb()) as bulb:
        options = WizOptions(mac="a8bb50000000", broadcast="127.0.0.1", port=bulb.port)
        async with wiz_lamp.KIND.open(options, around) as light:
            with pytest.raises(LightUnreachableError, match="a8bb50000000 answers"):
                await light.apply(RED)
    assert "setPilot" not in bulb.asked


async def test_a_wiz_scene_comes_back(around: Surroundings) -> None:
    async with plugged(WizBulb()) as bulb:
        bulb.shown.update(sceneId=5, speed=100, temp=0)
        before = dict(bulb.shown)
        options = WizOptions(host="127.0.0.1", port=bulb.port)
        async with wiz_lamp.KIND.open(options, around) as light:
            found = await light.snapshot()  # type: ignore[attr-defined]
            await light.apply(RED)
            await light.restore(found)  # type: ignore[attr-defined]
        assert bulb.shown == before


async def test_a_yeelight_pulses_alone_for_one_command_and_its_own_flow_comes_back(
    around: Surroundings, clock: ManualClock
) -> None:
    async with plugged(Yeelight(clock.monotonic)) as lamp:
        lamp.shown |= {"flowing": "1", "flow_params": "0,1,500,1,255,100,500,1,65280,1"}
        before = dict(lamp.shown)
        options = YeelightOptions(host="127.0.0.1", port=lamp.port)
        async with yeelight_lamp.KIND.open(options, around) as light:
            found = await light.snapshot()  # type: ignore[attr-defined]
            for effect in (Effect.PULSE, Effect.BLINK):
                lamp.told.clear()
                await light.apply(RED.model_copy(update={"effect": effect}))
                assert [told[:2] for told in lamp.told] == [("set_scene", "cf")]
            await light.restore(found)  # type: ignore[attr-defined]
        assert lamp.shown == before
        assert lamp.refused == []


@pytest.mark.parametrize("has_colors", [True, False])
async def test_a_yeelight_stays_within_60_commands_a_minute_however_often_looks_change(
    around: Surroundings, clock: ManualClock, *, has_colors: bool
) -> None:
    async with plugged(Yeelight(clock.monotonic, has_colors=has_colors)) as lamp:
        options = YeelightOptions(host="127.0.0.1", port=lamp.port)
        async with yeelight_lamp.KIND.open(options, around) as light:
            await light.capability()  # type: ignore[attr-defined]
            for number in range(200):
                await light.apply(WHITE.model_copy(update={"brightness": 0.3 + number % 2 * 0.5}))
                await light.changed_by_others()  # type: ignore[attr-defined]
                await clock.advance(light.min_interval_s)  # type: ignore[attr-defined]
        assert lamp.refused == []


async def test_what_others_do_to_a_yeelight_is_heard_without_a_question(
    around: Surroundings, clock: ManualClock
) -> None:
    async with plugged(Yeelight(clock.monotonic)) as lamp:
        options = YeelightOptions(host="127.0.0.1", port=lamp.port)
        async with yeelight_lamp.KIND.open(options, around) as light:
            await light.apply(RED)
            assert not await light.changed_by_others()  # type: ignore[attr-defined]
            lamp.say(rgb="255")
            async with asyncio.timeout(10):
                while not await light.changed_by_others():  # type: ignore[attr-defined]  # noqa: ASYNC110 - a lamp wakes nobody
                    await asyncio.sleep(0.002)


async def test_a_yeelight_is_rediscovered_by_its_id_at_another_address(
    around: Surroundings, clock: ManualClock
) -> None:
    first, second = Yeelight(clock.monotonic), Yeelight(clock.monotonic)
    searched = ("127.0.0.1", free_port(2))
    loop = asyncio.get_running_loop()
    options = YeelightOptions(id=first.id.upper().replace("0X", "0x"))
    async with yeelight_lamp.opened(options, around, search=searched) as light:
        for lamp in (first, second):
            answering, _ = await loop.create_datagram_endpoint(
                partial(SearchAnswers, lamp), local_addr=searched
            )
            async with plugged(lamp):
                async with asyncio.timeout(30):
                    while not lamp.told:
                        try:
                            await light.apply(RED)
                        except LightUnreachableError:
                            await asyncio.sleep(0.01)
            answering.close()
            await asyncio.sleep(0)


async def driver(*words: str, folder: Path) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "drivers", *words, "--config", str(folder / "config.toml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize(
    ("kind", "lamp", "key", "line"),
    [
        ("lifx", LifxLamp, "desk", 'label = "Desk"'),
        ("wiz", WizBulb, "a8bb5006033d", 'mac = "a8bb5006033d"'),
    ],
)
async def test_a_lamp_that_answers_is_shown_with_its_config_and_written_once(
    tmp_path: Path, kind: str, lamp: Callable[[], Any], key: str, line: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG, encoding="utf-8")
    async with plugged(lamp()) as there:
        where = ("--at", f"127.0.0.1:{there.port}")
        code, said = await driver("find", kind, *where, folder=tmp_path)
        assert code == 0, said
        assert f'[drivers.{key}]\nkind = "{kind}"\n{line}\n' in said
        code, said = await driver("add", kind, *where, folder=tmp_path)
        assert code == 0, said
        assert f"presence-driver test {key}" in said
        written = file.read_text(encoding="utf-8")
        assert written.startswith(CONFIG)
        assert line in written
        code, said = await driver("add", kind, *where, folder=tmp_path)
        assert (code, f"as [drivers.{key}]" in said) == (2, True)
    assert file.read_text(encoding="utf-8") == written


async def test_who_answers_twice_is_one_lamp_and_who_answers_garbage_is_none(
    clock: ManualClock,
) -> None:
    crowd, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Crowd(WizBulb(), Yeelight(clock.monotonic)), local_addr=("127.0.0.1", 0)
    )
    host, port = crowd.get_extra_info("sockname")
    found = await report([wiz_lamp.KIND, yeelight_lamp.KIND], f"{host}:{port}")
    crowd.close()
    assert [line for line in found if line.startswith("#")] == [
        "# a8bb5006033d: WiZ at 127.0.0.1",
        "# Desk: Yeelight color at 127.0.0.1",
    ]


async def test_two_lifx_lamps_of_one_label_are_shown_by_their_serial_numbers() -> None:
    lamp = LifxLamp()
    twin = create_color_light("d073d5000002")
    twin.state.label, twin.state.port = "desk", lamp.port
    lamp.devices.append(twin)
    async with plugged(lamp):
        found = await report([lifx_lamp.KIND], f"127.0.0.1:{lamp.port}")
    assert [line for line in found if line.startswith(("[", "serial", "label"))] == [
        "[drivers.desk]",
        'serial = "d073d5000001"',
        "[drivers.desk_2]",
        'serial = "d073d5000002"',
    ]


@pytest.mark.parametrize(
    ("options", "keys", "text"),
    [
        (LifxOptions, {}, "label = .* serial = .* host = "),
        (LifxOptions, {"label": "Desk", "host": "192.0.2.7"}, "needs one of"),
        (LifxOptions, {"serial": "d073d5"}, "12 digits"),
        (LifxOptions, {"label": "Desk", "broadcast": "lan"}, "broadcast"),
        (WizOptions, {"mac": "a8bb5006033x"}, "12 digits"),
        (WizOptions, {"host": "http://192.0.2.7"}, "a name or an address alone"),
        (WizOptions, {"host": "192.0.2.7:38899"}, "a port is written as port"),
        (YeelightOptions, {"id": "0x1"}, "as find shows it"),
        (YeelightOptions, {"host": ""}, "a name or an address alone"),
    ],
)
def test_keys_that_mean_no_lamp_are_refused(
    options: type[BaseModel], keys: dict[str, Any], text: str
) -> None:
    with pytest.raises(ValidationError, match=text):
        options(**keys)


def test_a_lamp_is_named_as_its_maker_prints_it() -> None:
    assert LifxOptions(serial="D0:73:D5:12:34:56").wanted == "d073d5123456"
    assert WizOptions(mac="A8-BB-50-06-03-3D").wanted == "a8bb5006033d"
    assert YeelightOptions(id="0x00000000037073D2").wanted == "0x00000000037073d2"
    assert YeelightOptions(host="lamp.lan").wanted == "lamp.lan"


async def test_a_kind_that_nobody_can_look_for_says_so(tmp_path: Path) -> None:
    code, said = await driver("find", "console", folder=tmp_path)
    assert (code, "cannot be looked for" in said) == (2, True)
