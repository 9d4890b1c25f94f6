"""Where the sign-in of one account stands, told to people: state and log. Never holds a token."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import Clock
from bridge.contract.errors import SignInNeededError
from bridge.contract.latest import Latest
from bridge.microsoft.device_code import Answer, trouble
from bridge.microsoft.remedies import Explanation, explain
from bridge.microsoft.remedies_table import for_account

log = logging.getLogger(__name__)


class Standing:
    """Tells what happens; ``holds`` says whether a token is there that has not ended."""

    def __init__(self, slug: str, *, holds: Callable[[], bool], clock: Clock) -> None:
        self.sign_in: Latest[SignIn] = Latest(SignIn())
        self._slug, self._holds, self._clock = slug, holds, clock

    @property
    def _state(self) -> SignInState:
        return self.sign_in.value.state

    def begins(self) -> None:
        """A sign-in begins; what was told about the last one is over."""
        if not self._holds():
            self.sign_in.set(SignIn())

    def waits(self, flow: Answer) -> None:
        """A code or an address waits for a person."""
        self.sign_in.set(
            SignIn(
                SignInState.CODE_PENDING,
                user_code=flow.get("user_code"),
                verification_uri=flow["verification_uri"],
                expires_at=self._clock.now() + timedelta(seconds=float(flow["expires_in"])),
                message=flow["message"],
            )
        )
        log.info("%s: %s", self._slug, flow["message"])

    def failed(self, answer: Answer) -> None:
        """A sign-in ended without tokens; one that stands, stands."""
        told = explain(answer if "error" in answer else trouble(None))
        self._tell(told, SignInState.SIGNED_IN if self._holds() else _state_after(told))

    def worked(self) -> None:
        """A sign-in ended with tokens."""
        self.sign_in.set(SignIn(SignInState.SIGNED_IN))
        log.info("%s is signed in", self._slug)

    def is_good(self) -> None:
        """A token was had without a person."""
        if self._state not in (SignInState.SIGNED_IN, SignInState.CODE_PENDING):
            self.sign_in.set(SignIn(SignInState.SIGNED_IN))

    def ended(self, told: Explanation) -> None:
        """The stored sign-in ended; a code that waits meanwhile stays shown."""
        if self._state is not SignInState.CODE_PENDING:
            self._tell(told, _state_after(told))

    def forgotten(self) -> None:
        """A person signed out."""
        self.sign_in.set(SignIn())

    def _tell(self, told: Explanation, state: SignInState) -> None:
        told = replace(told, remedy=for_account(told.remedy, self._slug))
        if self.sign_in.value.message != told.text:
            level = logging.WARNING if told.passes else logging.ERROR
            log.log(level, "%s: %s", self._slug, told.line)
        self.sign_in.set(
            SignIn(
                state,
                message=told.text,
                remedy=told.remedy,
                who=None if told.passes else told.who,
                correlation_id=told.correlation_id,
            )
        )


def _state_after(told: Explanation) -> SignInState:
    return SignInState.EXPIRED if told.sign_in_again else SignInState.ERROR


def needed(told: Explanation) -> SignInNeededError:
    """The error for whoever wanted a token."""
    return SignInNeededError(told.text, remedy=told.remedy)
