"""What holds for all tests. Never knows what is tested."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """Start programs with the usual signals, also under ``nohup … &``, and go on ignoring them.

    An ignored signal is inherited by every program that a test starts, a handler by none.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
