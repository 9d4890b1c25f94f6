"""Why nobody can be read now, for who presses *Read now*. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from bridge.contract.account import NEEDS_SIGN_IN, SignIn, SignInState
from bridge.contract.errors import PersonMustActError, PresenceBridgeError, TryAgainError
from bridge.polling import Status


class Sight(NamedTuple):
    """What is seen of one source."""

    status: Status
    sign_in: SignIn

    @property
    def needs_sign_in(self) -> bool:
        """Nobody is signed in."""
        return bool(self.status.problem) and self.sign_in.state in NEEDS_SIGN_IN

    @property
    def is_refused(self) -> bool:
        """Microsoft refuses the sign-in."""
        return bool(self.status.problem) and self.sign_in.state is SignInState.ERROR

    @property
    def can_be_read(self) -> bool:
        """Whether a read is worth a try."""
        return not (self.needs_sign_in or self.is_refused or self.status.throttled_until)


def why_unread(sources: Sequence[Sight], zone: tzinfo | None) -> PresenceBridgeError | None:
    """Why none of ``sources`` can be read, as an error for people; ``None`` when one can.

    Times are shown in ``zone``.
    """
    if not sources:
        return PersonMustActError("Nobody is followed.", remedy="Add a person first.")
    if any(each.can_be_read for each in sources):
        return None
    well = [each for each in sources if not (each.needs_sign_in or each.is_refused)]
    if waits := [each.status.throttled_until for each in well if each.status.throttled_until]:
        until = f"{min(waits).astimezone(zone):%H:%M}"
        return TryAgainError(
            f"Microsoft asked us to wait until {until}; reading goes on by itself then."
        )
    if refused := next((each.sign_in for each in sources if each.is_refused), None):
        text = refused.message or "Microsoft refuses the sign-in."
        return PersonMustActError(text, remedy=refused.remedy or "")
    name = sources[0].status.name
    who = f"{name} is not" if name and len(sources) == 1 else "Nobody is"
    return PersonMustActError(f"{who} signed in.", remedy="Sign in first.")
