"""The usb kind on busylight-core itself: which bytes each light gets."""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from busylight_core import Light
from loguru import logger

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Surroundings
from drivers.blocking import OnDemand
from drivers.runtime.abilities import LOOK_EVERY_S
from drivers.runtime.lamp import Lamp
from drivers.testing import FakeBus
from drivers.usb import KIND, UsbLight
from drivers.usb.busylights import UsbOptions, connect, plugged_in
from tests.fakes.clock import ManualClock
from tests.fakes.usb_hardware import Usb

ORANGE = LightState(color=(255, 100, 0), brightness=0.5)
GREEN = LightState(color=(0, 255, 0))
RULES = Path(__file__).parents[2] / "packaging" / "udev" / "70-presence-bridge.rules"
SERIAL_ADAPTERS = {(0x10C4, 0xEA60), (0x303A, 0x81DF)}
"""Lights behind an ordinary serial adapter: the group dialout has those."""


@asynccontextmanager
async def desk(
    look: Callable[[], Any], locks: Path | None = None, **choice: str
) -> AsyncIterator[UsbLight]:
    async with OnDemand(
        "usb-test", lambda: connect(UsbOptions(**choice), look, locks), what="desk: the light"
    ) as busylight:
        yield UsbLight(busylight)


@pytest.mark.parametrize(
    ("product", "orange", "dark"),
    [
        ("blink1", "0163803200000a00", "0163000000000a00"),
        ("flag", "01ff803200", "01ff000000"),
        ("blynclight", "00800032000000ff22", "00000000010000ff22"),
    ],
)
async def test_each_maker_gets_its_own_bytes(product: str, orange: str, dark: str) -> None:
    usb = Usb()
    wire = usb.plug(product)
    async with desk(usb.look) as here:
        await here.apply(ORANGE)
        await here.apply(OFF)
    assert [data.hex() for data in wire.sent] == [orange, dark]


async def test_two_drivers_have_one_each_of_two_equal_lights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    usb, folder = Usb(), tmp_path / "usb"
    wires = [usb.plug("blink1"), usb.plug("blink1")]
    async with (
        desk(usb.look, folder) as one,
        desk(usb.look, folder) as other,
        desk(usb.look, folder) as third,
    ):
        await one.apply(ORANGE)
        await other.apply(OFF)
        assert [wire.opened for wire in wires] == [1, 1]
        with pytest.raises(LightRefusedError, match=r"every busylight .* another driver"):
            await third.apply(ORANGE)
        wires[0].replug()
        with pytest.raises(LightUnreachableError):
            await one.apply(ORANGE)
        await one.apply(ORANGE)
        assert [len(wire.sent) for wire in wires] == [1, 1]
        assert caplog.text.count("opened ThingM") == 2
        await other._busylight.close()
        await third.apply(ORANGE)
        assert [len(wire.sent) for wire in wires] == [1, 2]


async def test_a_driver_process_that_dies_leaves_its_light_to_the_next(tmp_path: Path) -> None:
    claim = (
        "import sys, time, pathlib; from drivers.usb.locks import lock; "
        "print(bool(lock(pathlib.Path(sys.argv[1]), b'1-0:1.0')), flush=True); "
        "time.sleep(60)"
    )
    usb = Usb()
    wires = [usb.plug("blink1"), usb.plug("blink1")]
    words = [sys.executable, "-c", claim, str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    assert process.stdout
    assert await process.stdout.readline() == b"True\n"
    async with desk(usb.look, tmp_path) as here:
        await here.apply(ORANGE)
    assert [wire.opened for wire in wires] == [0, 1]
    process.kill()
    await process.wait()
    async with desk(usb.look, tmp_path) as here:
        await here.apply(ORANGE)
    assert [wire.opened for wire in wires] == [1, 1]


async def test_the_one_that_another_program_has_is_left_to_it() -> None:
    usb = Usb()
    taken, free = usb.plug("blink1"), usb.plug("blink1")
    taken.allowed = False
    async with desk(usb.look) as here:
        await here.apply(ORANGE)
    assert (taken.opened, free.opened) == (0, 1)


async def test_without_a_folder_for_locks_a_light_is_shown_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "usb").write_text("no folder")
    usb = Usb()
    wire = usb.plug("blink1")
    async with desk(usb.look, tmp_path / "usb") as here:
        await here.apply(ORANGE)
    assert wire.opened == 1


async def test_the_light_is_let_go_as_it_looks() -> None:
    usb = Usb()
    wire = usb.plug("blink1")
    async with desk(usb.look) as here:
        await here.apply(GREEN)
    assert (wire.opened, wire.is_open) == (1, False)
    assert [data.hex() for data in wire.sent] == ["016300ff00000a00"]


async def test_a_kuando_light_is_kept_awake_and_its_threads_end() -> None:
    usb, of_others = Usb(), set(threading.enumerate())
    wire = usb.plug("kuando")
    async with desk(usb.look) as here:
        await here.apply(GREEN)
        before = len(wire.sent)
        await here.refresh()
        assert len(wire.sent) > before
    ours = set(threading.enumerate()) - of_others
    timers = [thread for thread in ours if isinstance(thread, threading.Timer)]
    async with asyncio.timeout(30):  # one that has just done its work is about to end
        while not all(timer.finished.is_set() for timer in timers):  # noqa: ASYNC110 - threads
            await asyncio.sleep(0.005)


async def test_the_light_that_is_chosen_is_the_one_that_shines() -> None:
    usb = Usb()
    usb.plug("flag", "AA11")
    wire = usb.plug("flag", "BB22")
    async with desk(usb.look, device="Luxafor Flag", serial="bb22") as here:
        await here.apply(GREEN)
    assert wire.opened == 1


async def test_an_unplugged_light_is_unreachable_and_rediscovered_by_a_new_look() -> None:
    usb = Usb()
    wire = usb.plug("blink1", "2000")
    async with desk(usb.look) as here:
        await here.apply(GREEN)
        wire.plugged = False
        with pytest.raises(LightUnreachableError, match="does not answer"):
            await here.apply(ORANGE)
        with pytest.raises(LightUnreachableError, match="no busylight is plugged in"):
            await here.apply(ORANGE)
        wire.replug()
        await here.apply(ORANGE)
        assert wire.sent[-1].hex().startswith("01638032")
        assert wire.opened == 2


async def test_the_lamp_reports_an_unplugged_light_and_shows_its_look_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without a change of the look; a Kuando light is also kept awake so."""
    caplog.set_level(logging.INFO)
    usb = Usb()
    wire = usb.plug("kuando")
    clock, reachable = ManualClock(), list[bool]()
    async with desk(usb.look) as here:
        lamp = Lamp(
            here,
            KIND,
            name="desk",
            target=Latest[LightState | None](GREEN),
            clock=clock,
            reachable=reachable.append,
            random=lambda: 1.0,
        )
        running = asyncio.create_task(lamp.run())

        async def pass_s(seconds: float) -> None:
            for _ in range(int(seconds)):
                await clock.until_asleep()
                await clock.advance(1)
            await clock.until_asleep()

        await pass_s(10)
        told = len(wire.sent)
        assert told >= 2
        wire.plugged = False
        await pass_s(LOOK_EVERY_S + 1)
        assert reachable[-1:] == [False]
        await pass_s(60)
        wire.replug()
        await pass_s(61)
        assert reachable[-1]
        assert wire.sent
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert caplog.text.count("does not answer") == 1
    assert caplog.text.count("the light is back") == 1


async def test_a_light_that_may_not_be_opened_comes_with_the_udev_rule() -> None:
    usb = Usb()
    wire = usb.plug("blink1")
    wire.allowed = False
    async with desk(usb.look) as here:
        with pytest.raises(LightRefusedError, match="cannot be opened") as caught:
            await here.apply(GREEN)
        assert RULES.name in caught.value.remedy
        wire.allowed = True
        await here.apply(GREEN)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ModuleNotFoundError("No module named 'busylight_core'"), "[usb]'"),
        (AttributeError("'NoneType' object has no attribute 'split'"), "plugdev"),
    ],
)
async def test_a_library_that_fails_is_reported_with_its_remedy(
    error: Exception, text: str
) -> None:
    def look() -> Any:
        raise error

    async with desk(look) as here:
        with pytest.raises(LightRefusedError) as caught:
            await here.apply(GREEN)
    assert text in caught.value.remedy
    assert caught.value.__cause__ is error


async def test_the_library_does_not_write_past_our_logs() -> None:
    told: list[str] = []
    plugged_in()
    sink = logger.add(told.append, level="DEBUG")
    usb = Usb()
    wire = usb.plug("blink1")
    try:
        async with desk(usb.look) as here:
            await here.apply(GREEN)
            wire.plugged = False
            with pytest.raises(LightUnreachableError):
                await here.apply(ORANGE)
    finally:
        logger.remove(sink)
    assert told == []


async def test_blink_and_pulse_are_sent_step_by_step() -> None:
    usb = Usb()
    wire = usb.plug("blink1")
    target: Latest[LightState | None] = Latest(None)
    async with desk(usb.look) as here:
        clock = ManualClock()
        lamp = Lamp(here, KIND, name="desk", target=target, clock=clock, reachable=lambda _: None)
        running = asyncio.create_task(lamp.run())
        target.set(GREEN.model_copy(update={"effect": Effect.PULSE}))
        for _ in range(12):
            await clock.until_asleep()
            await clock.advance(clock.next_wake_s or 0.0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len({data[3] for data in wire.sent}) > 5


async def test_a_machine_without_lights_is_looked_through_by_the_real_library(
    tmp_path: Path,
) -> None:
    if plugged_in():
        pytest.skip("a busylight is plugged in")
    async with KIND.open(
        UsbOptions(), Surroundings("desk", tmp_path, ManualClock(), FakeBus())
    ) as light:
        with pytest.raises(LightUnreachableError, match="no busylight is plugged in"):
            await light.apply(GREEN)


def test_the_udev_rules_name_every_light_of_the_library() -> None:
    text = RULES.read_text(encoding="utf-8")
    pattern = r'ATTRS?\{idVendor\}=="(\w{4})", ATTRS?\{idProduct\}=="(\w{4})"'
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    named: dict[str, set[tuple[int, int]]] = {"usb": set(), "hidraw": set()}
    for line in lines:
        subsystem = re.search(r'SUBSYSTEM=="(\w+)"', line)
        ids = re.search(pattern, line)
        assert subsystem, line
        assert ids, line
        assert 'GROUP="plugdev"' in line
        named[subsystem.group(1)].add((int(ids.group(1), 16), int(ids.group(2), 16)))
    known = {ids for cls in Light.subclasses() for ids in cls.supported_device_ids}
    assert named["usb"] == named["hidraw"] == known - SERIAL_ADAPTERS
