"""The waits between tries at Microsoft, as a policy for tenacity. Never waits itself."""

from __future__ import annotations

from random import random as _random

from tenacity import RetryCallState
from tenacity.wait import wait_base

from bridge.contract.errors import TryAgainError
from bridge.retry import RETRY_AFTER_MOST_S, Random, full_jitter


class WaitAsAsked(wait_base):
    """A tenacity policy: the wait that the error asks for, else full jitter up to ``most_s``."""

    def __init__(self, *, first_s: float, most_s: float, random: Random = _random) -> None:
        self._first_s, self._most_s, self._random = first_s, most_s, random

    def __call__(self, retry_state: RetryCallState) -> float:
        """Seconds before the next attempt."""
        outcome = retry_state.outcome
        error = outcome.exception() if outcome else None
        if isinstance(error, TryAgainError) and error.retry_after_s is not None:
            return min(RETRY_AFTER_MOST_S, error.retry_after_s)
        return full_jitter(
            retry_state.attempt_number - 1,
            first_s=self._first_s,
            most_s=self._most_s,
            random=self._random,
        )
