"""When the clock alone may change what is shown. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from drivers.rules.choose import Facts, Rules


def until_turn(
    rules: Rules, facts: Mapping[str, Facts], now: datetime, bridge_now: datetime
) -> float:
    """Seconds until the schedule may turn or something known expires; infinite without both."""
    ages_s = [
        (known.state.valid_until - bridge_now).total_seconds()
        for known in facts.values()
        if known.state and known.state.valid_until
    ]
    minute_s = 60.0 - now.second - now.microsecond / 1e6 if rules.hours else math.inf
    return min([minute_s, *(age_s for age_s in ages_s if age_s > 0)])
