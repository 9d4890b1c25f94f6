from hypothesis import given
from hypothesis import strategies as st

from drivers.serial_lamp.adalight import encode, frame_s, says_ready
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
