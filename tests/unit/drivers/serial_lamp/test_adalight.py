from itertools import groupby
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import Effect, LightState
from drivers.serial_lamp.adalight import AdalightSession
from drivers.serial_lamp.adalight_frame import encode, frame_s, says_ready
from tests.fakes.rows import rows
from tests.fakes.serial_boards import AdalightStrip

COLORS = st.tuples(*[st.integers(0, 255)] * 3)


def test_a_frame_is_as_adafruit_wrote_it_down() -> None:
    assert encode((1, 2, 3), 2) == bytes.fromhex("416461 0001 54 010203 010203")


@given(COLORS, st.integers(1, 1200))
def test_a_strict_strip_reads_every_frame(color: tuple[int, int, int], leds: int) -> None:
    strip = AdalightStrip()
    for byte in encode(color, leds):
        strip.receive(bytes((byte,)))
    assert strip.frames == [[color] * leds]
    assert strip.heard == b""


def test_a_frame_takes_its_time_on_the_line() -> None:
    assert frame_s(38, 115_200) == 120 * 10 / 115_200


def test_only_ada_means_ready() -> None:
    assert says_ready(b"Ada\r")
    assert says_ready(b"\x00\xf8Ada")
    assert not says_ready(b"Adalight")


class _Line:
    """A port that keeps what was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def forget(self) -> None:
        pass

    def close(self) -> None:
        pass

    def answer(self, parse: object, *, within_s: float) -> None:
        raise AssertionError("nobody answers")


@rows("leds", [1, 300, 1700])
@rows("period_s", [0.2, 0.7, 2.0])
def test_a_blink_never_stands_dark_however_long_the_strip(leds: int, period_s: float) -> None:
    line: Any = _Line()
    took_s = frame_s(leds, 115_200)
    session = AdalightSession(line, leds=leds, baud=115_200, boot_s=0)
    look = LightState(effect=Effect.BLINK, period_s=period_s)
    elapsed_s, lit = 0.0, []
    for _ in range(60):
        session.show(look, elapsed_s)
        lit.append(line.written[-1][-1] > 0)
        elapsed_s += took_s + session.beat_s(look, elapsed_s + took_s) + 0.001
    runs = [len(list(run)) for _, run in groupby(lit)]
    assert max(runs) <= 2  # a frame may be sent again, a half is never left out
    assert len(runs) >= 30
