"""Reports the facts of one source that are news, and when facts are no longer true.

With them goes what people see of a sign-in when reads are refused, or after an internal error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.clock import Clock, sleep_unless
from bridge.contract.errors import AccessRefusedError
from bridge.contract.garbage_collection import uncollected
from bridge.polling.facts import Facts
from bridge.polling.health import INTERNAL_ERROR, REPORT
from bridge.polling.machine_sleep import JUMP_S, SOON_S
from bridge.polling.source import Source

Report = Callable[[AccountFacts], None]
ERROR_SHOWN_S = 3600.0
"""An internal error is shown for so long, also when all is well again."""


class Reporting:
    """Each of ``reports`` gets the facts of an account that are news.

    ``announce`` is called before, when the accounts of the source are others.
    """

    def __init__(
        self,
        source: Source,
        facts: Facts,
        *,
        reports: Collection[Report],
        announce: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._source, self._facts, self._clock = source, facts, clock
        self._reports, self._announce = reports, announce
        self._news = asyncio.Event()
        self._broke_s: float | None = None
        self.has_read = False
        """Whether a read has ended since the start, well or not."""
        self.refused: AccessRefusedError | None = None
        """Why nobody may be read, as long as that is so."""

    def broke(self) -> None:
        """Show an internal error for a while."""
        self._broke_s = self._clock.monotonic()
        self.report_soon()

    def report_soon(self) -> None:
        """Let ``run`` report what is news."""
        self._news.set()

    async def run(self) -> None:
        """Report what is news, and what ends, also while a read hangs, until cancelled."""
        while True:
            now = self._clock.now()
            end = self._facts.next_end(now)
            wait_s = max(SOON_S, (end - now).total_seconds()) if end else JUMP_S
            await sleep_unless(self._news, wait_s, self._clock)
            self._news.clear()
            self._report_each()

    def report_news(self) -> None:
        """Report what is news of the accounts that the source has now."""
        self.follow()
        self._report_each()

    @uncollected()
    def _report_each(self) -> None:
        """Report all that is news, also when one of them cannot be; then raise its error."""
        now, sign_in = self._clock.now(), self._source.sign_in.value
        if self.refused:
            sign_in = _with_refusal(sign_in, self.refused)
        if self._broke_s is not None and self._clock.monotonic() - self._broke_s < ERROR_SHOWN_S:
            current = self._facts.freshness.is_current(now)
            sign_in = _with_internal_error(sign_in, current=current)
        if not (self.has_read or _is_news(sign_in)):
            return  # what was reported before a restart is still there
        failed: Exception | None = None
        for facts in self._facts.news(now, sign_in):
            for report in self._reports:
                try:
                    report(facts)
                except Exception as error:  # noqa: BLE001 - one person's bug is one person's
                    failed = error
        if failed:
            raise failed

    def follow(self) -> None:
        """Have the accounts that the source has now."""
        if self._facts.follow(self._source.accounts):
            self._announce()


def _with_refusal(sign_in: SignIn, error: AccessRefusedError) -> SignIn:
    """Who is signed in sees the ``error``, with the code that waits, if any: it may mend it."""
    if sign_in.state is not SignInState.SIGNED_IN:
        return sign_in
    return replace(
        sign_in,
        state=SignInState.ERROR,
        message=error.text,
        remedy=error.remedy,
        who="your admin",
        correlation_id=None,
    )


def _with_internal_error(sign_in: SignIn, *, current: bool) -> SignIn:
    """``sign_in`` with what to do about an internal error; presence that is current stays so.

    What a person must do in order to sign in is not hidden by it.
    """
    if sign_in.waits or sign_in.state not in (SignInState.SIGNED_IN, SignInState.SIGNED_OUT):
        return sign_in
    goes_on = current and sign_in.state is SignInState.SIGNED_IN
    return replace(
        sign_in,
        state=SignInState.SIGNED_IN if goes_on else SignInState.ERROR,
        message=INTERNAL_ERROR,
        remedy=REPORT,
    )


def _is_news(sign_in: SignIn) -> bool:
    """Whether a person should hear of ``sign_in`` before anything was read."""
    quiet = (SignInState.SIGNED_OUT, SignInState.SIGNED_IN)
    return sign_in.state not in quiet or sign_in.waits or sign_in.message is not None
