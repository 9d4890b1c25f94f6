from __future__ import annotations

import pytest

from tests.fakes.clock import ManualClock
from tests.fakes.microsoft.directory import Household, household


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def home(clock: ManualClock) -> Household:
    return household(clock)
