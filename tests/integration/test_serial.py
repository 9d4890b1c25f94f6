"""The serial kind over ptys, with a strict board of each protocol at the other end."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event

import pytest

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Light, Restorable, Surroundings, Watchable
from drivers.runtime.lamp import Lamp
from drivers.serial_lamp import KIND
from drivers.serial_lamp.options import SerialOptions
from drivers.serial_lamp.port import open_port
from tests.fakes.clock import ManualClock
from tests.fakes.serial_boards import WLED_BOOT, AdalightStrip, LineBoard, SilentBoard, WledBoard
from tests.fakes.serial_pty import Plug

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
DIM = LightState(color=(200, 100, 50), brightness=0.5)
BLINK = LightState(color=(0, 0, 255), effect=Effect.BLINK, period_s=2)
PULSE = LightState(color=(255, 0, 0), effect=Effect.PULSE, period_s=2)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def plugged(folder: Path, board: SilentBoard) -> AsyncIterator[Plug]:
    plug = Plug(folder / "ttyUSB0", board)
    plug.plug()
    try:
        yield plug
    finally:
        plug.unplug()


@asynccontextmanager
async def opened(
    path: Path, protocol: str, clock: ManualClock, **more: object
) -> AsyncIterator[Light]:
    if protocol != "wled":
        more = {"gamma": 1, **more}
    options = SerialOptions.model_validate({"protocol": protocol, "port": str(path), **more})
    around = Surroundings("desk", Path("unused"), clock, bus=None)  # type: ignore[arg-type]
    async with KIND.open(options, around) as light:
        yield light


async def beat(clock: ManualClock, seconds: float) -> None:
    """Let the heartbeats of ``seconds`` come and go."""
    await clock.until_asleep()
    await clock.advance(seconds)
    await clock.until_asleep()


class Lit:
    """A light under the runner's ``Lamp``, whose time passes as long as it is waited for."""

    def __init__(self, light: Light, clock: ManualClock) -> None:
        self.target: Latest[LightState | None] = Latest(None)
        self.reachable: bool | None = None
        self._clock = clock
        self.lamp = Lamp(
            light, KIND, name="desk", target=self.target, clock=clock, reachable=self._note
        )

    def _note(self, reachable: bool) -> None:  # noqa: FBT001 - the value itself
        self.reachable = reachable

    async def until(self, *, reachable: bool) -> None:
        async with asyncio.timeout(20):
            while self.reachable is not reachable:
                await beat(self._clock, 1)


@asynccontextmanager
async def lit(light: Light, clock: ManualClock) -> AsyncIterator[Lit]:
    lamp = Lit(light, clock)
    running = asyncio.create_task(lamp.lamp.run())
    try:
        yield lamp
    finally:
        running.cancel()
        await asyncio.wait({running})


# ---- What LEDs need


async def test_dim_looks_are_as_dim_as_the_eye_sees_them(
    tmp_path: Path, clock: ManualClock
) -> None:
    strip, board = AdalightStrip(), LineBoard()
    seen = LightState(color=(255, 128, 0), brightness=0.5)
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=0, gamma=2.2) as light,
    ):
        await light.apply(seen)
        await plug.until(lambda: strip.frames[-1:] == [[(55, 12, 0)]])
        await light.apply(LightState(color=(0, 255, 0), brightness=0.01))
        await plug.until(lambda: strip.frames[-1:] == [[(0, 1, 0)]])
        await light.apply(RED)
        await plug.until(lambda: strip.frames[-1:] == [[(255, 0, 0)]])
    async with (
        plugged(tmp_path, board) as plug,
        opened(plug.path, "line", clock, boot=0, gamma=2.2) as light,
    ):
        await light.apply(seen)
        assert board.shown.startswith("370c00")
        await light.apply(OFF)
        assert board.shown.startswith("000000")


# ---- Adalight


async def test_adalight_gives_every_led_the_colour(tmp_path: Path, clock: ManualClock) -> None:
    strip = AdalightStrip()
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=0, leds=300) as light,
    ):
        for state in (RED, DIM, OFF):
            await light.apply(state)
            await plug.until(lambda state=state: strip.frames[-1:] == [[state.rgb] * 300])  # type: ignore[misc]


async def test_adalight_repeats_it_each_second(tmp_path: Path, clock: ManualClock) -> None:
    strip = AdalightStrip()
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=0) as light,
    ):
        await light.apply(RED)
        for count in range(2, 6):
            await beat(clock, 1)
            await plug.until(lambda count=count: len(strip.frames) >= count)  # type: ignore[misc]
        assert {tuple(frame) for frame in strip.frames} == {(RED.rgb,)}


async def test_adalight_draws_effects_in_its_own_stream(tmp_path: Path, clock: ManualClock) -> None:
    strip = AdalightStrip()
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=0) as light,
    ):
        await light.apply(PULSE)
        for count in range(2, 26):
            await beat(clock, 1 / 12)
            await plug.until(lambda count=count: len(strip.frames) >= count)  # type: ignore[misc]
    levels = [red for ((red, _, _),) in strip.frames]
    assert min(levels) < 0.2 * 255
    assert max(levels) == 255


async def test_a_board_that_says_ada_is_believed(tmp_path: Path, clock: ManualClock) -> None:
    strip = AdalightStrip()
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=5) as light,
        asyncio.timeout(4),
    ):
        applying = asyncio.create_task(light.apply(RED))
        while not applying.done():
            plug.press_reset()
            await asyncio.wait({applying}, timeout=0.1)
        await plug.until(lambda: strip.frames)


async def test_a_board_that_does_not_say_ada_is_left_in_peace_while_it_boots(
    tmp_path: Path, clock: ManualClock
) -> None:
    strip = AdalightStrip(says_ada=False)
    async with (
        plugged(tmp_path, strip) as plug,
        opened(plug.path, "adalight", clock, boot=0.2) as light,
    ):
        before = asyncio.get_running_loop().time()
        await light.apply(RED)
        assert asyncio.get_running_loop().time() - before >= 0.2
        await plug.until(lambda: strip.frames)


# ---- our own protocol


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        (RED, "ff0000 solid 2000"),
        (DIM, "643219 solid 2000"),
        (BLINK, "0000ff blink 2000"),
        (PULSE, "ff0000 pulse 2000"),
        (OFF, "000000 solid 2000"),
    ],
)
async def test_our_board_is_written_once_and_moves_alone(
    tmp_path: Path, clock: ManualClock, state: LightState, shown: str
) -> None:
    board = LineBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "line", clock) as light:
        await light.apply(state)
        await beat(clock, 5)
        await beat(clock, 5)
        assert board.shown == shown
    assert [told.split()[0] for told in board.told] == ["show", "ping", "ping", "bye"]


async def test_a_garbled_line_is_resent(tmp_path: Path, clock: ManualClock) -> None:
    board = LineBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "line", clock) as light:
        await light.apply(RED)
        board.garbles = 1
        await light.apply(GREEN)
        assert board.shown == "00ff00 solid 2000"
        board.garbles = 9
        with pytest.raises(LightUnreachableError):
            await light.apply(RED)


async def test_late_answers_to_earlier_lines_do_not_count(
    tmp_path: Path, clock: ManualClock
) -> None:
    board = LineBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "line", clock) as light:
        await light.apply(RED)
        plug.interject(b"ok 1 ff0000 solid 2000\r\n" * 4)
        await light.apply(GREEN)
    assert [told.split()[0] for told in board.told] == ["show", "show", "bye"]


@pytest.mark.parametrize("hello", [b"hello presence-lamp 2 pwm", b"hello thermostat 1 x"])
async def test_another_sketch_or_version_needs_a_person(
    tmp_path: Path, clock: ManualClock, hello: bytes
) -> None:
    board = LineBoard(hello)
    async with plugged(tmp_path, board) as plug, opened(plug.path, "line", clock) as light:
        with pytest.raises(LightRefusedError, match="Upload the sketch"):
            await light.apply(RED)
    assert board.told == []


# ---- WLED


async def test_wled_shows_colours_and_effects_of_its_own(
    tmp_path: Path, clock: ManualClock
) -> None:
    board = WledBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "wled", clock) as light:
        await light.apply(DIM)
        assert board.colors == [DIM.color, DIM.color]
        assert board.state["bri"] == 128
        assert [segment["fx"] for segment in board.state["seg"]] == [0, 0]
        await light.apply(BLINK)
        assert [segment["fx"] for segment in board.state["seg"]] == [1, 1]
        await light.apply(PULSE)
        assert [segment["fx"] for segment in board.state["seg"]] == [2, 2]
        await light.apply(OFF)
        assert board.state["on"] is False


async def test_wled_is_left_as_it_was_found(tmp_path: Path, clock: ManualClock) -> None:
    board = WledBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "wled", clock) as light:
        async with lit(light, clock) as lamp:
            lamp.target.set(RED)
            await lamp.until(reachable=True)
        assert board.state != WLED_BOOT
        await lamp.lamp.leave("restore")
    assert board.state == WLED_BOOT


async def test_a_busy_wled_is_retried(tmp_path: Path, clock: ManualClock) -> None:
    board = WledBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "wled", clock) as light:
        await light.apply(RED)
        board.busy = 1
        await light.apply(GREEN)
        assert board.colors == [GREEN.color] * 2
        board.busy = 9
        with pytest.raises(LightUnreachableError, match="busy"):
            await light.apply(RED)


async def test_a_wled_that_restarted_gets_its_look(tmp_path: Path, clock: ManualClock) -> None:
    board = WledBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "wled", clock) as light:
        await light.apply(RED)
        board.uptime += 10
        await beat(clock, 10)
        assert len(board.told) == 1
        plug.press_reset()
        board.uptime += 7
        await beat(clock, 10)
        assert board.colors == [RED.color] * 2


async def test_what_others_change_on_wled_is_noticed_and_left(
    tmp_path: Path, clock: ManualClock
) -> None:
    board = WledBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "wled", clock) as light:
        assert isinstance(light, Watchable)
        await light.apply(RED)
        board.uptime += 30
        assert not await light.changed_by_others()
        board.state["seg"][0]["col"][0] = [1, 2, 3]
        assert await light.changed_by_others()
        board.uptime += 10
        await beat(clock, 10)
        assert board.colors == [(1, 2, 3), RED.color]
        await light.apply(GREEN)
        assert not await light.changed_by_others()


@pytest.mark.parametrize("protocol", ["line", "adalight"])
def test_what_cannot_be_read_does_not_pretend(tmp_path: Path, protocol: str) -> None:
    async def look() -> None:
        async with opened(tmp_path / "none", protocol, ManualClock()) as light:
            assert not isinstance(light, Restorable)

    asyncio.run(look())


# ---- the port


BOOT_S = {"line": 4, "adalight": 0, "wled": 4}
BOARDS = {"line": LineBoard, "adalight": AdalightStrip, "wled": WledBoard}


def shows(board: SilentBoard, state: LightState) -> bool:
    match board:
        case LineBoard():
            return board.shown.startswith(bytes(state.rgb).hex())
        case AdalightStrip():
            return board.frames[-1:] == [[state.rgb]]
        case WledBoard():
            return board.colors == [state.color] * 2
    return False


@pytest.mark.parametrize("protocol", BOARDS)
async def test_unplugged_it_is_unreachable_and_replugged_it_works(
    tmp_path: Path, clock: ManualClock, protocol: str
) -> None:
    board = BOARDS[protocol]()
    async with (
        plugged(tmp_path, board) as plug,
        opened(plug.path, protocol, clock, boot=BOOT_S[protocol]) as light,
    ):
        await light.apply(RED)
        plug.unplug()
        for _ in range(3):
            with pytest.raises(LightUnreachableError, match="unplugged"):
                await light.apply(GREEN)
        plug.plug()
        await light.apply(GREEN)
        await plug.until(lambda: shows(board, GREEN))


@pytest.mark.parametrize("protocol", BOARDS)
async def test_replugged_between_two_changes_it_shows_the_newest(
    tmp_path: Path, clock: ManualClock, protocol: str
) -> None:
    board = BOARDS[protocol]()
    async with (
        plugged(tmp_path, board) as plug,
        opened(plug.path, protocol, clock, boot=BOOT_S[protocol]) as light,
    ):
        await light.apply(RED)
        await plug.until(lambda: shows(board, RED))
        plug.unplug()
        for _ in range(5):
            await beat(clock, 10)
        plug.plug()
        await beat(clock, 10)
        await plug.until(lambda: shows(board, RED))


@pytest.mark.parametrize("protocol", BOARDS)
async def test_a_loss_is_reported_once_and_so_is_the_return(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, protocol: str
) -> None:
    caplog.set_level(logging.INFO)
    board = BOARDS[protocol]()
    async with (
        plugged(tmp_path, board) as plug,
        opened(plug.path, protocol, clock, boot=BOOT_S[protocol]) as light,
        lit(light, clock) as lamp,
    ):
        lamp.target.set(RED)
        await lamp.until(reachable=True)
        plug.unplug()
        await lamp.until(reachable=False)
        plug.plug()
        await lamp.until(reachable=True)
        await plug.until(lambda: shows(board, RED))
    assert caplog.text.count("unplugged?") == 1
    assert caplog.text.count("the light is back") == 1


async def test_a_port_is_opened_when_its_board_appears(tmp_path: Path, clock: ManualClock) -> None:
    async with opened(tmp_path / "ttyUSB0", "line", clock) as light:
        with pytest.raises(LightUnreachableError, match="is not there"):
            await light.apply(RED)
        board = LineBoard()
        async with plugged(tmp_path, board):
            await light.apply(RED)
            assert board.shown == "ff0000 solid 2000"


async def test_a_silent_board_is_unreachable_in_time(tmp_path: Path, clock: ManualClock) -> None:
    for protocol in ("line", "wled"):
        async with (
            plugged(tmp_path, SilentBoard()) as plug,
            opened(plug.path, protocol, clock, boot=0) as light,
            asyncio.timeout(KIND.deadline_s),
        ):
            with pytest.raises(LightUnreachableError, match=r"(board|WLED) does not"):
                await light.apply(RED)


async def test_closing_does_not_wait_for_a_silent_board(tmp_path: Path, clock: ManualClock) -> None:
    async with plugged(tmp_path, SilentBoard()) as plug, asyncio.timeout(4):
        async with opened(plug.path, "line", clock, boot=5) as light:
            applying = asyncio.create_task(light.apply(RED))
            await plug.until(lambda: plug.board.heard)
            applying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await applying


async def test_the_newest_of_two_calls_wins(tmp_path: Path, clock: ManualClock) -> None:
    board = LineBoard()
    async with plugged(tmp_path, board) as plug, opened(plug.path, "line", clock) as light:
        await asyncio.gather(*(light.apply(state) for state in (GREEN, DIM, RED)))
        assert board.shown == "ff0000 solid 2000"


async def test_a_port_is_not_shared(tmp_path: Path, clock: ManualClock) -> None:
    async with (
        plugged(tmp_path, LineBoard()) as plug,
        opened(plug.path, "line", clock) as first,
        opened(plug.path, "line", clock) as second,
    ):
        await first.apply(RED)
        with pytest.raises(LightUnreachableError, match="in use by another program"):
            await second.apply(GREEN)


async def test_what_is_no_serial_port_needs_a_person(tmp_path: Path, clock: ManualClock) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path, file, Path("/dev/null")):
        async with opened(path, "line", clock) as light:
            with pytest.raises(LightRefusedError, match="not a serial port"):
                await light.apply(RED)


async def test_a_line_that_takes_nothing_is_given_up(tmp_path: Path) -> None:
    async with plugged(tmp_path, SilentBoard()) as plug:
        plug.deafen()
        port = open_port(SerialOptions(port=str(plug.path)), stop=Event(), write_s=0.05)
        with pytest.raises(LightUnreachableError, match="has taken no data"):
            port.write(bytes(1_000_000))
        port.close()


# ---- the library


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_the_kind_does_not_import_pyserial() -> None:
    assert run("import sys, drivers.serial_lamp; print('serial' in sys.modules)") == "False"


def test_without_pyserial_the_remedy_is_reported() -> None:
    answer = run(
        "import asyncio, sys; sys.modules['serial'] = None\n"
        "from bridge.contract.errors import ConfigError\n"
        "from drivers.base import Surroundings\n"
        "from drivers.serial_lamp import KIND\n"
        "async def main():\n"
        "    try:\n"
        "        around = Surroundings('a', None, None, None)\n"
        "        async with KIND.open(KIND.options(port='x'), around):\n"
        "            print('opened')\n"
        "    except ConfigError as error:\n"
        "        print(error)\n"
        "asyncio.run(main())\n"
    )
    assert "pip install" in answer
    assert "[serial]'" in answer
