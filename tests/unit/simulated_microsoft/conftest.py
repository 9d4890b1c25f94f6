from __future__ import annotations

import pytest

from tests.fakes.microsoft.directory import Household, household
from tests.fakes.clock import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def home(clock: ManualClock) -> Household:
    return household(clock)
