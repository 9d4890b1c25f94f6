"""Our sketch on an emulated Arduino, told by the driver over a pty, read back from its pins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from serial import Serial

from bridge.contract.errors import LightUnreachableError
from bridge.contract.light import OFF, Effect, LightState
from drivers.base import Light, Surroundings
from drivers.serial_lamp import KIND
from drivers.serial_lamp.line import PING_S
from drivers.serial_lamp.options import SerialOptions
from tests.fakes.board_uno import Board, compile_board, compile_sketch, needs_avr_tools, running
from tests.fakes.clock import ManualClock

pytestmark = pytest.mark.timeout(600)  # CI may have to install a compiler first

RED, GREEN = LightState(color=(255, 0, 0)), LightState(color=(0, 255, 0))
DIM = LightState(color=(255, 90, 10), brightness=0.3)
FLASH = (40, 40, 40)
"""The light of the board while nobody tells it anything."""
DARK = (0, 0, 0)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs_avr_tools()
    return compile_board(tmp_path_factory.mktemp("board"))


@pytest.fixture(scope="session")
def sketch(emulator: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_sketch(tmp_path_factory.mktemp("sketch"))


@pytest.fixture
def board(emulator: Path, sketch: Path, tmp_path: Path) -> Iterator[Board]:
    with running(emulator, sketch, tmp_path / "ttyACM0") as board:
        yield board


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@asynccontextmanager
async def driven(board: Board, clock: ManualClock) -> AsyncIterator[Light]:
    around = Surroundings("desk", Path("unused"), clock, bus=None)  # type: ignore[arg-type]
    async with KIND.open(SerialOptions(port=str(board.port), gamma=1), around) as light:
        yield light


async def beat(clock: ManualClock) -> None:
    """Let the driver's next heartbeat come and go."""
    await clock.until_asleep()
    await clock.advance(PING_S)
    await clock.until_asleep()


@pytest.mark.parametrize("state", [RED, GREEN, DIM, LightState(color=(1, 2, 3)), OFF])
async def test_a_colour_arrives_on_the_pins(
    board: Board, clock: ManualClock, state: LightState
) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        await light.apply(state)
        assert board.leds == [state.rgb]


async def test_opening_resets_the_board_and_its_hello_is_waited_for(
    board: Board, clock: ManualClock
) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
    async with driven(board, clock) as light:
        await light.apply(GREEN)
        assert board.leds == [GREEN.rgb]


async def test_blink_is_done_on_the_board(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(LightState(color=(0, 0, 255), effect=Effect.BLINK, period_s=1))
        colors = board.course(4, 0.05)
    assert colors.count((0, 0, 255)) == pytest.approx(40, abs=2)
    assert colors.count(DARK) == 80 - colors.count((0, 0, 255))
    assert sum(one != other for one, other in pairwise(colors)) in (7, 8)


async def test_pulse_swells_and_fades_on_the_board(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(LightState(color=(200, 0, 0), effect=Effect.PULSE, period_s=2))
        levels = [red for red, _, _ in board.course(4, 0.1)]
    assert max(levels) == pytest.approx(200, abs=2)
    assert min(levels) == pytest.approx(200 * 0.15, abs=2)
    assert sum(levels) / len(levels) == pytest.approx(200 * 0.575, abs=3)
    assert levels[:20] == pytest.approx(levels[20:], abs=9)


async def test_silence_shows_no_bridge(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        board.skip(10)
        assert board.leds == [RED.rgb]
        board.skip(6)
        assert set(board.course(6, 0.05)) == {FLASH, DARK}


async def test_a_board_that_never_received_a_line_shows_no_bridge(board: Board) -> None:
    board.skip(1)
    assert set(board.course(6, 0.05)) == {FLASH, DARK}


async def test_pings_keep_the_colour(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        for _ in range(4):
            board.skip(8)
            assert board.leds == [RED.rgb]
            await beat(clock)


@pytest.mark.parametrize("what", ["silence", "reset"])
async def test_a_board_that_forgot_gets_its_colour(
    board: Board, clock: ManualClock, what: str
) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        board.skip(16) if what == "silence" else board.ask("reset")
        board.skip(1)
        assert board.leds != [RED.rgb]
        await beat(clock)
        assert board.leds == [RED.rgb]


async def test_a_goodbye_keeps_the_colour(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(GREEN)
    board.skip(30)
    assert board.leds == [GREEN.rgb]


async def test_an_unplugged_board_is_lost_and_comes_back(board: Board, clock: ManualClock) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        board.ask("unplug")
        with pytest.raises(LightUnreachableError):
            await light.apply(GREEN)
        board.ask("plug")
        await light.apply(GREEN)
        assert board.leds == [GREEN.rgb]


async def test_a_board_replugged_between_two_changes_gets_its_colour(
    board: Board, clock: ManualClock
) -> None:
    async with driven(board, clock) as light:
        await light.apply(RED)
        board.ask("unplug")
        await beat(clock)
        board.ask("plug")
        await beat(clock)
        assert board.leds == [RED.rgb]


@pytest.mark.parametrize(
    ("told", "answer"),
    [
        ("ping 1", "ok 1 000000 waiting 0"),
        ("show 255 0a0b0c pulse 60000", "ok 255 0a0b0c pulse 60000"),
        ("show 7 ff00 solid 2000", "error 7 color"),
        ("show 7 FF0000 solid 2000", "error 7 color"),
        ("show 7 ff0000 sparkle 2000", "error 7 effect"),
        ("show 7 ff0000 waiting 2000", "error 7 effect"),
        ("show 7 ff0000 solid 100", "error 7 period"),
        ("show 7 ff0000 solid 60001", "error 7 period"),
        ("show 7 ff0000 solid", "error 7 period"),
        ("show 256 ff0000 solid 2000", "error 0 number"),
        ("show", "error 0 number"),
        ("dance 9", "error 9 command"),
        ("x" * 300, "error 0 length"),
        ("hello", "hello presence-lamp 1 pwm"),
    ],
)
def test_the_board_answers_each_line(board: Board, told: str, answer: str) -> None:
    with Serial(str(board.port), 115_200, timeout=5) as port:
        assert port.readline() == b"hello presence-lamp 1 pwm\r\n"
        port.write(b"\n" + told.encode() + b"\n")
        assert port.readline().decode().strip() == answer


@pytest.mark.parametrize("count", [1, 8, 60])
async def test_neopixels_all_get_the_colour(
    emulator: Path, clock: ManualClock, tmp_path: Path, count: int
) -> None:
    sketch = compile_sketch(tmp_path / "sketch", f"-DNEOPIXELS={count}")
    with running(emulator, sketch, tmp_path / "ttyACM0", "--neopixels") as board:
        async with driven(board, clock) as light:
            for state in (DIM, GREEN, OFF):
                await light.apply(state)
                assert board.leds == [state.rgb] * count


async def test_neopixels_move_while_the_board_listens(
    emulator: Path, clock: ManualClock, tmp_path: Path
) -> None:
    sketch = compile_sketch(tmp_path / "sketch", "-DNEOPIXELS=30")
    pulse = LightState(effect=Effect.PULSE, period_s=0.2)
    with running(emulator, sketch, tmp_path / "ttyACM0", "--neopixels") as board:
        async with driven(board, clock) as light:
            for number in range(20):
                await light.apply(pulse.model_copy(update={"color": (255, number, 0)}))
            await light.apply(RED)
            assert board.leds == [RED.rgb] * 30


async def test_a_strip_whose_own_supply_was_off_gets_its_colour_back(
    emulator: Path, clock: ManualClock, tmp_path: Path
) -> None:
    sketch = compile_sketch(tmp_path / "sketch", "-DNEOPIXELS=8")
    with running(emulator, sketch, tmp_path / "ttyACM0", "--neopixels") as board:
        async with driven(board, clock) as light:
            await light.apply(RED)
            assert board.leds == [RED.rgb] * 8
            board.ask("blackout")
            assert board.leds_now() == [DARK] * 8
            board.skip(1.1)
            assert board.leds_now() == [RED.rgb] * 8


async def test_a_common_anode_is_driven_the_other_way_round(
    emulator: Path, clock: ManualClock, tmp_path: Path
) -> None:
    sketch = compile_sketch(tmp_path / "sketch", "-DCOMMON_ANODE=1")
    with running(emulator, sketch, tmp_path / "ttyACM0") as board:
        async with driven(board, clock) as light:
            await light.apply(DIM)
            assert board.leds == [tuple(255 - channel for channel in DIM.rgb)]
