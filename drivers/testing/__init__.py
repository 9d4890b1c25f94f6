"""For the tests of a kind of light: the suite that every kind passes, and what it stands on.

Needs pytest. ``docs/writing-a-driver.md`` has an example.
"""

import pytest

pytest.register_assert_rewrite("drivers.testing.contract")

from drivers.testing.bus import Device, FakeBus  # noqa: E402 - asserts are rewritten first
from drivers.testing.clock import ManualClock  # noqa: E402 - as above
from drivers.testing.contract import LightContract  # noqa: E402 - as above
from drivers.testing.rig import Gate, Rig  # noqa: E402 - as above

__all__ = ["Device", "FakeBus", "Gate", "LightContract", "ManualClock", "Rig"]
