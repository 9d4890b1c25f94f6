import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.light import OFF, Effect, LightState
from drivers.serial_lamp import line
from tests.fakes.serial_boards import LineBoard

STATES = st.builds(
    LightState,
    on=st.booleans(),
    color=st.tuples(*[st.integers(0, 255)] * 3),
    brightness=st.floats(0, 1),
    effect=st.sampled_from(Effect),
    period_s=st.floats(0.2, 60),
)


@given(STATES, st.integers(0, 255))
def test_the_board_acknowledges_what_it_received(state: LightState, number: int) -> None:
    wanted = line.wanted(state)
    answer = LineBoard().receive(line.show(number, wanted))
    assert line.parse_reply(answer) == line.Reply(number, wanted)


@given(STATES)
def test_a_line_fits_the_board(state: LightState) -> None:
    assert len(line.show(255, line.wanted(state))) <= 48
    assert 200 <= line.wanted(state).period_ms <= 60_000


def test_off_is_black_and_still() -> None:
    assert line.show(7, line.wanted(OFF)) == b"show 7 000000 solid 2000\n"


def test_the_request_for_a_hello_holds_no_command_of_a_bootloader() -> None:
    assert not set(line.HELLO) & set(b"01@ABEPQRUVdtuv")


@pytest.mark.parametrize(
    ("heard", "hello"),
    [
        (b"hello presence-lamp 1 pwm\r", ("presence-lamp", 1)),
        (
            b"\x00\xffgarbage hello presence-lamp 12 neopixel",
            ("presence-lamp", 12),
        ),
        (b"hello presence-lamp 1", None),
        (b"hello presence-lamp one pwm", None),
        (b"hello presence-lamp 1 pwm and more", None),
        (b"", None),
    ],
)
def test_a_hello_is_found_after_boot_noise(heard: bytes, hello: tuple[str, int] | None) -> None:
    assert line.parse_hello(heard) == hello


@pytest.mark.parametrize(
    ("heard", "reply"),
    [
        (b"error 7 color\r", line.Reply(7, error="color")),
        (b"ok 7 000000 waiting 0", line.Reply(7)),
        (b"ok 7 00ff0a pulse 400", line.Reply(7, line.Shown((0, 255, 10), Effect.PULSE, 400))),
        (b"ok 7 00ff0a pulse", None),
        (b"ok 7 00ff0 pulse 400", None),
        (b"ok 7 00ff0a sparkle 400", None),
        (b"hello presence-lamp 1 pwm", None),
    ],
)
def test_a_reply_is_whole_or_none(heard: bytes, reply: line.Reply | None) -> None:
    assert line.parse_reply(heard) == reply


@given(st.binary(max_size=80))
def test_noise_is_never_an_error(noise: bytes) -> None:
    line.parse_hello(noise)
    line.parse_reply(noise)
