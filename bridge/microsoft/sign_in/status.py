"""What people see of a sign-in: who is signed in, and what waits for a person. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import SignInNeededError
from bridge.microsoft.sign_in.flow import Waiting
from bridge.microsoft.sign_in.remedies import Explanation
from bridge.microsoft.sign_in.remedies_table import for_account


def shown(
    settled: SignIn, *, waiting: Waiting | None, expires_at: datetime | None, trouble: str | None
) -> SignIn:
    """The sign-in as people see it.

    A code that waits leaves somebody who is signed in signed in. What passes by itself changes no
    state: it is told, and nobody has anything to do about it.
    """
    signed_in = settled.state is SignInState.SIGNED_IN
    if waiting is not None:
        return SignIn(
            SignInState.SIGNED_IN if signed_in else SignInState.CODE_PENDING,
            user_code=waiting.user_code,
            verification_uri=waiting.verification_uri,
            expires_at=expires_at,
            message=waiting.message,
        )
    return SignIn(settled.state, message=trouble) if trouble else settled


def ended(why: Explanation, slug: str, *, signed_in: bool = False) -> SignIn:
    """After a sign-in, or an attempt at one, ended as ``why``."""
    state = SignInState.EXPIRED if why.sign_in_again else SignInState.ERROR
    return SignIn(
        SignInState.SIGNED_IN if signed_in else state,
        message=why.text,
        remedy=for_account(why.remedy, slug),
        who=why.who,
        correlation_id=why.correlation_id,
    )


def line(why: Explanation, slug: str) -> str:
    """All of it, for the log."""
    return replace(why, remedy=for_account(why.remedy, slug)).line


def needed(why: Explanation) -> SignInNeededError:
    """The error for whoever wanted a token."""
    return SignInNeededError(why.text, remedy=why.remedy)
