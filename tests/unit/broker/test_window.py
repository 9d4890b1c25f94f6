from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.window import LONG_S, MOST, WINDOW, Window


def flood(window: Window, round_trip_s: float, each_s: float, rounds: int = 30) -> float:
    """Seconds of the longest round on a link and a broker that are so quick."""
    longest_s = 0.0
    for _ in range(rounds):
        window.sending(window.size)
        longest_s = max(longest_s, took_s := round_trip_s + window.size * each_s)
        window.took(took_s)
    return longest_s


def test_over_a_long_link_hundreds_are_on_their_way() -> None:
    window = Window()
    longest_s = flood(window, round_trip_s=0.1, each_s=0.0002)
    assert window.size >= 400
    assert longest_s < 0.25, "a change waits for no longer"


def test_a_broker_beside_us_is_sent_few_at_once() -> None:
    window = Window()
    assert flood(window, round_trip_s=0.001, each_s=0.0002) < 0.05


def test_beside_us_a_change_waits_for_no_long_round_when_the_machine_has_become_busy() -> None:
    window = Window()
    flood(window, round_trip_s=0.002, each_s=0.00001)
    assert window.size > 200
    flood(window, round_trip_s=0.002, each_s=0.0004)
    assert window.size * 0.0004 <= LONG_S


def test_a_slow_broker_is_spared() -> None:
    window = Window()
    flood(window, round_trip_s=0.0, each_s=0.05)
    assert window.size == WINDOW


def test_what_is_no_full_round_says_nothing() -> None:
    window = Window()
    window.sending(3)
    window.took(0.0001)
    flood(window, round_trip_s=0.1, each_s=0.0001)
    assert window.size == MOST


def test_when_it_becomes_slow_fewer_are_sent() -> None:
    window = Window()
    flood(window, round_trip_s=0.1, each_s=0.0001)
    flood(window, round_trip_s=0.1, each_s=0.05)
    assert window.size == WINDOW


def test_of_a_round_that_ended_the_connection_half_is_dared() -> None:
    window, sizes = Window(), []
    for _ in range(8):
        flood(window, round_trip_s=0.1, each_s=0.0001)
        sizes.append(window.size)
        window.sending(window.size)
        window.begin()
        assert window.size == WINDOW, "each connection is learnt anew"
    assert sizes == [500, 250, 125, 62, 31, 20, 20, 20]


@given(st.lists(st.tuples(st.integers(0, 600), st.floats(0, 100)), max_size=60))
def test_it_stays_between_its_bounds(rounds: list[tuple[int, float]]) -> None:
    window = Window()
    for messages, seconds in rounds:
        window.sending(min(messages, window.size))
        window.took(seconds)
        assert WINDOW <= window.size <= MOST
