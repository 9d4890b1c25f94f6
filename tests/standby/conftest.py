"""One Microsoft for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.mosquitto import needs_mosquitto
from tests.standby.__main__ import office as made
from tests.standby.pair import Office


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    """With an app for each node."""
    needs_mosquitto()
    async with made(tmp_path) as built:
        yield built
