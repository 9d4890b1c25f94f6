"""The access token of an account table, a person's or an app's: used while good, renewed early."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError, SourceUnavailableError
from bridge.microsoft.sign_in.genuine_answers import Answer

log = logging.getLogger(__name__)

EARLY_S = 600.0
"""A token is renewed this long before it ends; msal itself does so at 300 s."""
RETRY_S = 60.0
"""After a failed renewal, the old token is used this long before the next try."""
FORCED_EVERY_S = 30.0
"""A refused token is replaced once in so long, however many were refused with it."""
FORCED_MOST, FORCED_WITHIN_S = 3, 3600.0
"""And so often within so long: some days Graph refuses tokens that are good, and a token endpoint
that gets too many requests refuses everything (AADSTS50196)."""
DEFAULT_S = 600.0
"""The lifetime of a token that comes without one, as msal has it."""

Renew = Callable[[str | None, bool], Awaitable[Answer]]
"""Gets a token that answers these claims, a new one where true. Raises as ``AccessToken.get``."""


class AccessToken:
    """The token of one account table; many callers, one renewal at a time."""

    def __init__(self, slug: str, renew: Renew, *, clock: Clock) -> None:
        self._slug, self._renew, self._clock = slug, renew, clock
        self._lock = asyncio.Lock()
        self._value: str | None = None
        self._ends_s = self._renew_s = 0.0
        self._forced_s: deque[float] = deque(maxlen=FORCED_MOST)
        self._warned_s: float | None = None
        self._quiet_until_s = 0.0

    @property
    def works(self) -> bool:
        """Whether there is one that has not ended."""
        return self._value is not None and self._clock.monotonic() < self._ends_s

    async def get(self, *, claims: str | None, refresh: bool) -> str:
        """The token while it is good, else a new one.

        Also a new one to answer the ``claims`` of a challenge, or to ``refresh`` a refused one.

        Raises:
            SignInNeededError: Somebody must act.
            SourceUnavailableError: None can be had now, and the old one cannot be used.
        """
        async with self._lock:
            now_s = self._clock.monotonic()
            refresh = refresh and self._may_force(now_s)
            anew = refresh or claims is not None
            if self._value and now_s < self._renew_s and not anew:
                return self._value
            try:
                self._check_quiet(now_s)
                answer = await self._renew(claims, refresh)
            except SignInNeededError:
                self._value = None
                raise
            except SourceUnavailableError as error:
                return self._old(error, usable=not anew)
            if refresh:
                self._forced_s.append(now_s)
            return self._use(answer)

    async def replace(self, adopt: Callable[[], Awaitable[Answer]]) -> None:
        """Use the tokens that ``adopt`` returns, once no renewal of the old one runs."""
        async with self._lock:
            self._use(await adopt())

    async def discard(self, clear: Callable[[], Awaitable[None]]) -> None:
        """Forget the token once ``clear`` is done, while no renewal runs."""
        async with self._lock:
            await clear()
            self._value = None

    def _may_force(self, now_s: float) -> bool:
        """Whether a refused token may be replaced; else it is tried once more as it is."""
        if self._forced_s and now_s - self._forced_s[-1] < FORCED_EVERY_S:
            return False
        rare = len(self._forced_s) < FORCED_MOST or now_s - self._forced_s[0] >= FORCED_WITHIN_S
        if rare or not self.works:
            return True
        if self._warned_s is None or now_s - self._warned_s >= 2 * FORCED_WITHIN_S:
            text = "%s: Microsoft Graph refuses new tokens too; they are kept, and tried once more"
            log.warning(text, self._slug)
        self._warned_s = now_s
        return False

    def _use(self, answer: Answer) -> str:
        self._value = value = str(answer["access_token"])
        lifetime_s = float(answer.get("expires_in", DEFAULT_S))
        self._ends_s = self._clock.monotonic() + lifetime_s
        self._renew_s = self._ends_s - min(EARLY_S, lifetime_s / 2)
        return value

    def _check_quiet(self, now_s: float) -> None:
        """Send nothing while Microsoft wants us to wait."""
        if now_s < self._quiet_until_s:
            raise SourceUnavailableError(
                "Microsoft's sign-in asks us to wait", retry_after_s=self._quiet_until_s - now_s
            )

    def _old(self, error: SourceUnavailableError, *, usable: bool) -> str:
        now_s = self._clock.monotonic()
        if error.retry_after_s is not None:
            self._quiet_until_s = now_s + error.retry_after_s
        if self._value and usable and now_s < self._ends_s:
            self._renew_s = min(now_s + RETRY_S, self._ends_s)
            return self._value
        raise error
