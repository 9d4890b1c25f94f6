"""What people see of a sign-in: who is signed in, and what waits for a person. Pure."""

from __future__ import annotations

from dataclasses import replace

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import SignInNeededError
from bridge.microsoft.sign_in.remedies import Explanation
from bridge.microsoft.sign_in.remedies_table import for_account


def shown(stored: SignIn, *, waiting: SignIn | None, trouble: str | None) -> SignIn:
    """The sign-in as people see it.

    A code that waits leaves somebody who is signed in signed in. What passes by itself changes no
    state: it is shown, and nobody has anything to do about it.
    """
    if waiting is not None:
        signed_in = stored.state is SignInState.SIGNED_IN
        return replace(waiting, state=SignInState.SIGNED_IN) if signed_in else waiting
    return SignIn(stored.state, message=trouble) if trouble else stored


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
