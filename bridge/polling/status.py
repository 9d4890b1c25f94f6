"""How one source fares, and how its sign-in is shown after an internal error. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.contract.account import SignIn, SignInState
from bridge.polling.cadence import Pace

INTERNAL_ERROR = "Internal error, started again."
REPORT = "Please report it with the log."


@dataclass(frozen=True, slots=True)
class Status:
    """How one source fares."""

    last_poll_ok: datetime | None = None
    last_poll_attempt: datetime | None = None
    consecutive_failures: int = 0
    problem: str | None = None
    next_poll: datetime | None = None
    pace: Pace | None = None
    throttled_until: datetime | None = None
    internal_errors: int = 0
    """Errors since the start that nobody foresaw; each kind is in the log."""


def with_internal_error(sign_in: SignIn, *, current: bool) -> SignIn:
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


def is_news(sign_in: SignIn) -> bool:
    """Whether a person should hear of ``sign_in`` before anything was read."""
    quiet = (SignInState.SIGNED_OUT, SignInState.SIGNED_IN)
    return sign_in.state not in quiet or sign_in.waits or sign_in.message is not None
