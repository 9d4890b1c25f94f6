from __future__ import annotations

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.throttle import Throttle


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(clock, limit=3)


def test_without_a_limit_nobody_waits(clock: ManualClock) -> None:
    throttle = Throttle(clock)

    assert {throttle.wait_s("app", "tenant") for _ in range(5000)} == {None}


async def test_the_request_over_the_limit_waits_until_the_window_has_room(
    throttle: Throttle, clock: ManualClock
) -> None:
    for _ in range(3):
        assert throttle.wait_s("app", "tenant") is None
        await clock.advance(10)

    # at 30 s the first of 0, 10 and 20 s has left the window
    assert throttle.wait_s("app", "tenant") is None
    assert throttle.wait_s("app", "tenant") == 20


async def test_refused_requests_count_too(throttle: Throttle, clock: ManualClock) -> None:
    for _ in range(3):
        throttle.wait_s("app", "tenant")
    await clock.advance(29)
    for _ in range(3):
        assert throttle.wait_s("app", "tenant")
    await clock.advance(2)

    assert throttle.wait_s("app", "tenant") == 28


async def test_who_waits_as_asked_is_served(throttle: Throttle, clock: ManualClock) -> None:
    wait_s = [throttle.wait_s("app", "tenant") for _ in range(4)][-1]
    assert wait_s
    await clock.advance(wait_s)

    assert throttle.wait_s("app", "tenant") is None


def test_apps_and_tenants_have_their_own_windows(throttle: Throttle) -> None:
    for _ in range(4):
        throttle.wait_s("app", "tenant")

    assert throttle.wait_s("app", "other tenant") is None
    assert throttle.wait_s("other app", "tenant") is None
