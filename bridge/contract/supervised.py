"""Restarts work that ended with an error which nobody foresaw, and logs that.

One account's bug is one account's outage: who runs beside it does not notice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import random as _random

from bridge.contract.clock import Clock
from bridge.contract.faults import Faults

FIRST_S, MOST_S = 1.0, 300.0
CALM_S = 600.0
"""Work that ran this long before it failed is started again without a longer wait."""


async def supervised(
    work: Callable[[], Awaitable[None]],
    *,
    name: str,
    clock: Clock,
    failed: Callable[[Exception], None] = lambda _: None,
    random: Callable[[], float] = _random,
) -> None:
    """Run ``work`` until it returns; after an error call ``failed``, wait, and run it again.

    The traceback is logged once for each kind of error. A cancellation is honoured at once.
    """
    faults, attempt = Faults(), 0
    while True:
        began_s = clock.monotonic()
        try:
            return await work()
        except Exception as error:  # noqa: BLE001 - logged there
            faults.log(error, name, ", started again")
            failed(error)
        attempt = 0 if clock.monotonic() - began_s >= CALM_S else attempt + 1
        step_s = min(MOST_S, FIRST_S * 2.0 ** min(attempt, 16))
        await clock.sleep(step_s * (0.5 + random() / 2))
