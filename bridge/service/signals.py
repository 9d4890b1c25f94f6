"""Receives the signals of a program that runs until it is stopped.

They are blocked everywhere and waited for on a thread of their own, so that no event loop, worker
or disk that hangs keeps one; and one that comes between two programs in one process is not lost,
since what is blocked and pending outlives ``exec``.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from bridge.config.command_line import FAILED, INTERRUPTED, OK

log = logging.getLogger(__name__)

STOP_S = 8.0
"""From the wish to stop to the end, whatever hangs."""
LEFTOVER_S = 1.5
"""For workers that still hang after the goodbye."""
LAST_WORDS_S = 0.2
"""A log that hangs too gets no longer."""
_ENOUGH = signal.SIGUSR1
_STOPS = {signal.SIGTERM: OK, signal.SIGINT: INTERRUPTED}
_RECEIVED = {*_STOPS, signal.SIGHUP, _ENOUGH}


class _Listener(NamedTuple):
    loop: asyncio.AbstractEventLoop
    stop: Callable[[], object]
    hang_up: Callable[[], object]


class Signals:
    """Receives SIGTERM, SIGINT and SIGHUP; at the second wish to stop the process ends at once."""

    def __init__(self, *, stop_s: float = STOP_S, leftover_s: float = LEFTOVER_S) -> None:
        self._stop_s, self._leftover_s = stop_s, leftover_s
        self._lock = threading.Lock()
        self._listener: _Listener | None = None
        self._timer: threading.Timer | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="signals", daemon=True)
        self.code: int | None = None
        """The exit code that a signal asked for."""

    def start(self) -> None:
        """Receive them from now on. Call it before the first thread is made."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _RECEIVED)
        self._thread.start()

    def end(self) -> int | None:
        """Receive no more: what comes now waits for the next program. The code so far."""
        self._over.set()
        assert self._thread.ident is not None
        signal.pthread_kill(self._thread.ident, _ENOUGH)
        self._thread.join(1.0)
        return self.code

    @contextmanager
    def sent_to(
        self, stop: Callable[[], object], hang_up: Callable[[], object] = lambda: None
    ) -> Iterator[None]:
        """Call these in the running event loop; ``stop`` at once for a signal that came before."""
        with self._lock:
            self._listener = _Listener(asyncio.get_running_loop(), stop, hang_up)
        if self.code is not None:
            stop()
        try:
            yield
        finally:
            with self._lock:
                self._listener = None

    def leave_soon(self, *, said_goodbye: bool, otherwise: Callable[[], object]) -> None:
        """Leave the process within seconds if it has not ended by itself.

        With the code that a signal asked for, or by ``otherwise`` where none did.
        """
        timer = threading.Timer(
            self._leftover_s if said_goodbye else self._stop_s, self._leave, [otherwise]
        )
        timer.daemon = True
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._timer = timer
        timer.start()

    def _leave(self, otherwise: Callable[[], object]) -> None:
        def last_words() -> None:
            log.warning("something does not stop: exiting without it")

        threading.Thread(target=last_words, daemon=True).start()
        time.sleep(LAST_WORDS_S)
        if self.code is not None:
            os._exit(self.code)
        otherwise()
        os._exit(FAILED)

    def _listen(self) -> None:
        while True:
            number = signal.sigwait(_RECEIVED)
            if number in _STOPS:
                self._stopped(_STOPS[signal.Signals(number)])
            elif number == signal.SIGHUP:
                self._call(hang_up=True)
            elif self._over.is_set():
                return

    def _stopped(self, code: int) -> None:
        if self.code is not None:
            os._exit(INTERRUPTED)
        self.code = code
        self.leave_soon(said_goodbye=False, otherwise=lambda: None)
        self._call()
        log.info("stopping; once more to stop at once")

    def _call(self, *, hang_up: bool = False) -> None:
        with self._lock:
            if listener := self._listener:
                callback = listener.hang_up if hang_up else listener.stop
                listener.loop.call_soon_threadsafe(callback)
