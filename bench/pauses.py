"""How evenly this machine works: the same arithmetic again and again, each time taken in ms.

What it prints is the yardstick for the slowest of many short times: no program beats its machine.
"""

from __future__ import annotations

import json
import sys
import time

from bench.spread import spread

REST_S = 0.002


def main() -> None:
    """``python -m bench.pauses WORK_MS TIMES`` prints the spread as JSON."""
    work_ms, times = float(sys.argv[1]), int(sys.argv[2])
    steps = _steps(work_ms)
    taken_ms = []
    for _ in range(times):
        began_s = time.perf_counter()
        _work(steps)
        taken_ms.append((time.perf_counter() - began_s) * 1000)
        time.sleep(REST_S)
    print(json.dumps(spread(taken_ms)))


def _steps(work_ms: float) -> int:
    """How much arithmetic takes ``work_ms``, by the quickest of some tries."""
    tries = []
    for _ in range(50):
        began_s = time.perf_counter()
        _work(10_000)
        tries.append((time.perf_counter() - began_s) * 1000)
    return round(10_000 * work_ms / min(tries))


def _work(steps: int) -> int:
    return sum(range(steps))


if __name__ == "__main__":
    main()
