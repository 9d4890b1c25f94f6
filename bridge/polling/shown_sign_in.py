"""What people see of a sign-in when reads are refused, or after an internal error."""

from __future__ import annotations

from dataclasses import replace

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import AccessRefusedError
from bridge.polling.health import INTERNAL_ERROR, REPORT


def with_refusal(sign_in: SignIn, error: AccessRefusedError) -> SignIn:
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
