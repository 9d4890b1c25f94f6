"""What people see of a sign-in: who is signed in, and what waits for a person. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.errors import SignInNeededError
from bridge.microsoft.sign_in.expected import Newcomer
from bridge.microsoft.sign_in.mends import letter, mend_url
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import YOU, Explanation
from bridge.microsoft.sign_in.remedy import for_account

_INSTEAD = {
    Way.BROWSER: "Sign in with a browser instead.",
    Way.DEVICE_CODE: "Sign in with a code instead.",
}
KEEP = "Keep, or sign in again."


def shown(
    stored: SignIn, *, waiting: SignIn | None, trouble: str | None, newcomer: Newcomer | None = None
) -> SignIn:
    """The sign-in as people see it.

    A code that waits leaves somebody who is signed in signed in, and so does a newcomer. What
    passes by itself changes no state: it is shown, and nobody has anything to do about it.
    """
    if waiting is not None:
        signed_in = stored.state is SignInState.SIGNED_IN
        state = stored.state if signed_in else waiting.state
        return replace(waiting, state=state, **_belongs(stored))
    if newcomer is not None:
        return SignIn(
            stored.state,
            message=newcomer.question,
            remedy=KEEP,
            who=YOU,
            newcomer=newcomer.who.address or newcomer.who.shown,
            **_belongs(stored),
        )
    return replace(bare(stored), message=trouble) if trouble else stored


def bare(stored: SignIn) -> SignIn:
    """Only whether somebody is signed in, and who."""
    return SignIn(stored.state, **_belongs(stored))


def ended(why: Explanation, slug: str, app: PublicApp, *, goes_on: SignIn | None = None) -> SignIn:
    """After a sign-in ended as ``why``, or an attempt at one while another ``goes_on``."""
    state = SignInState.EXPIRED if why.sign_in_again else SignInState.ERROR
    return replace(
        bare(goes_on) if goes_on else SignIn(state),
        message=why.text,
        remedy=for_account(why.remedy, slug),
        **_because(why, app),
    )


def instead(waiting: SignIn, way: Way, why: Explanation, app: PublicApp) -> SignIn:
    """``waiting``, which is the ``way`` that is offered because the other one ended as ``why``."""
    return replace(waiting, message=f"{why.text} {_INSTEAD[way]}", **_because(why, app))


def line(why: Explanation, slug: str) -> str:
    """All of it, for the log."""
    return why._replace(remedy=for_account(why.remedy, slug)).line


def needed(why: Explanation) -> SignInNeededError:
    """The error for whoever wanted a token."""
    return SignInNeededError(why.text, remedy=why.remedy)


def locked(key_id: str) -> Explanation:
    """The stored sign-in cannot be decrypted."""
    return Explanation(
        f"The stored sign-in is encrypted with another key ({key_id}).",
        "Put that key back as key_file in [security] and restart, or sign in again.",
        who=YOU,
    )


def _because(why: Explanation, app: PublicApp) -> dict[str, Any]:
    """What helps whoever must act."""
    return {
        "who": why.who,
        "correlation_id": why.correlation_id,
        "aadsts": why.aadsts,
        "mend": why.mend,
        "mend_url": mend_url(why.mend, app),
        "letter": letter(why.mend, app, aadsts=why.aadsts, correlation_id=why.correlation_id),
    }


def _belongs(stored: SignIn) -> dict[str, Any]:
    return {"signed_in_as": stored.signed_in_as, "also_on": stored.also_on}
