"""What people see of a sign-in: who is signed in, what waits for a person, and what went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.errors import PersonMustActError, SignInNeededError
from bridge.contract.latest import Latest
from bridge.microsoft.sign_in.expected_person import Expected, Newcomer, is_another
from bridge.microsoft.sign_in.identity import Identity
from bridge.microsoft.sign_in.message_to_admin import letter, mend_url
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import YOU, Explanation, for_account
from bridge.microsoft.sign_in.same_account import SameAccount, Seat

_INSTEAD = {
    Way.BROWSER: "Sign in with a browser instead.",
    Way.DEVICE_CODE: "Sign in with a code instead.",
}
KEEP = "Keep, or sign in again."


class SignInStatus:
    """The sign-in of one account table as people see it, in ``sign_in``."""

    def __init__(
        self, expected: Expected, app: PublicApp, *, stored: bool, same_account: SameAccount
    ) -> None:
        self._slug, self._app, self._is_person = expected.slug, app, expected.is_person
        self._stored = SignIn(SignInState.SIGNED_IN if stored else SignInState.SIGNED_OUT)
        self._home_id: str | None = None
        self._unwanted: Identity | None = None
        """Is used, and was not to be kept."""
        self._same_account, self._seat = same_account, Seat(expected.name, self.show)
        self.newcomer: Newcomer | None = None
        """Somebody who signed in and was not expected."""
        self.waiting: SignIn | None = None
        """The code, or the address, that waits for a person."""
        self.cannot_begin: str | None = None
        """Why there is neither now."""
        self.trouble: str | None = None
        """Why no token can be had now."""
        self.sign_in: Latest[SignIn] = Latest(self._stored)

    @property
    def is_signed_in(self) -> bool:
        """Whether somebody is, whatever waits beside."""
        return self._stored.state is SignInState.SIGNED_IN

    def signed_in(self, who: Identity | None) -> None:
        """Somebody is signed in."""
        self._home_id = who.home_id if who else None
        self._stored = SignIn(SignInState.SIGNED_IN, signed_in_as=who.address if who else None)

    def signed_out(self) -> None:
        """Nobody is signed in."""
        self._stored, self.newcomer = SignIn(), None

    def ended(self, why: Explanation) -> bool:
        """What is stored ended as ``why``; whether that is news."""
        before, self._stored = self._stored, ended(why, self._slug, self._app)
        return self._stored != before

    def failed(self, why: Explanation) -> None:
        """An attempt ended as ``why``; who is signed in stays so."""
        goes_on = self._stored if self.is_signed_in else None
        self._stored = ended(why, self._slug, self._app, goes_on=goes_on)

    def begin(self) -> None:
        """Another attempt begins: how the one before ended is over, and no newcomer is kept."""
        if self.newcomer and not self.newcomer.waiting:
            self._unwanted = self.newcomer.who
        self._stored, self.newcomer = bare(self._stored), None

    def unless_unwanted(self, who: Identity | None) -> Identity | None:
        """``who``, where nobody wanted another in their place when they signed in."""
        return None if who and self._unwanted and not is_another(who, self._unwanted) else who

    def take_newcomer(self) -> Newcomer:
        """The newcomer, who waits no more; ``PersonMustActError`` where there is none."""
        newcomer, self.newcomer = self.newcomer, None
        if newcomer is None:
            raise PersonMustActError("Nobody waits to be kept.", remedy="Sign in first.")
        return newcomer

    def withdraw(self) -> None:
        """An attempt was taken back, and with it a newcomer who waits."""
        if self.newcomer and self.newcomer.waiting:
            self.newcomer = None
        self.show()

    def leave(self) -> None:
        """The table is not followed any more, or not now."""
        self._same_account.take(self._seat, None)

    def show(self) -> None:
        """Let people see what is new."""
        counts = self.is_signed_in and self._is_person
        also_on = self._same_account.take(self._seat, self._home_id if counts else None)
        now = self._now(replace(self._stored, also_on=also_on))
        if now != self.sign_in.value:
            self.sign_in.set(now)

    def _now(self, stored: SignIn) -> SignIn:
        """A code that waits leaves somebody who is signed in signed in, and so does a newcomer.

        What passes by itself changes no state: it is shown, and nobody has anything to do about it.
        """
        if self.waiting is not None:
            state = stored.state if self.is_signed_in else self.waiting.state
            return replace(self.waiting, state=state, **_belongs(stored))
        if self.newcomer is not None:
            who = self.newcomer.who
            return replace(
                bare(stored),
                message=self.newcomer.question,
                remedy=KEEP,
                who=YOU,
                newcomer=who.address or who.shown,
            )
        trouble = self.cannot_begin or self.trouble
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
