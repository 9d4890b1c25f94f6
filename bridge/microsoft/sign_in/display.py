"""What people see of one person's sign-in: what is stored, what waits, and who it belongs to."""

from __future__ import annotations

from dataclasses import replace

from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import PersonMustActError
from bridge.contract.latest import Latest
from bridge.microsoft.sign_in.expected import Expected, Newcomer, is_another
from bridge.microsoft.sign_in.identity import Identity
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import Explanation
from bridge.microsoft.sign_in.same_account import SameAccount
from bridge.microsoft.sign_in.status import bare, ended, shown


class Display:
    """The sign-in of one account table as people see it, in ``sign_in``."""

    def __init__(
        self, expected: Expected, app: PublicApp, *, stored: bool, same_account: SameAccount
    ) -> None:
        self._slug, self._app, self._is_person = expected.slug, app, expected.is_person
        self._stored = SignIn(SignInState.SIGNED_IN if stored else SignInState.SIGNED_OUT)
        self._home_id: str | None = None
        self._unwanted: Identity | None = None
        """Is used, and was not to be kept."""
        self._seat = same_account.seat(expected.name, self.show)
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

    def kept(self) -> Newcomer:
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
        self._seat.take(None)

    def show(self) -> None:
        """Let people see what is new."""
        counts = self.is_signed_in and self._is_person
        also_on = self._seat.take(self._home_id if counts else None)
        now = shown(
            replace(self._stored, also_on=also_on),
            waiting=self.waiting,
            trouble=self.cannot_begin or self.trouble,
            newcomer=self.newcomer,
        )
        if now != self.sign_in.value:
            self.sign_in.set(now)
