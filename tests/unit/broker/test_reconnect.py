"""How long is waited, and after what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker.next_try import MOST_S, Delays
from bridge.broker.reason_codes import Kind


@given(st.lists(st.floats(0, 1), min_size=40, max_size=40))
def test_a_broker_that_is_away_is_looked_for_often_at_first_and_never_rarely(
    luck: list[float],
) -> None:
    delays, lucky = Delays(lambda: next(values)), list(luck)
    values = iter(lucky)
    elapsed = 0.0
    for _ in range(40):
        wait_s = delays.wait_s(Kind.PASSES)
        assert 0 < wait_s <= (1.0 if elapsed < 6 else MOST_S)
        elapsed += wait_s


def test_a_refusal_is_retried_soon_then_slowly_and_soon_after_a_connection() -> None:
    delays = Delays(lambda: 0.5)
    assert [delays.wait_s(Kind.REFUSED) for _ in range(4)] == [5, 30, 300, 300]
    delays.accepted()
    assert delays.wait_s(Kind.REFUSED) == 5


@pytest.mark.parametrize("kind", [Kind.THROWN_OUT, Kind.SLOWLY])
def test_a_dispute_outlasts_connections_that_end_soon_and_no_good_one(kind: Kind) -> None:
    delays = Delays(lambda: 0.5)
    assert [delays.wait_s(kind) for _ in range(6)] == [5, 10, 20, 40, 60, 60]
    delays.accepted()
    disputed = [delays.disputed]
    assert delays.wait_s(kind) == 60
    delays.good()
    assert [*disputed, delays.disputed] == [True, False]
    assert delays.wait_s(kind) == 5
