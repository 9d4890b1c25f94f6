"""What a poller needs of a source of presence."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from bridge.contract.account import SignIn
from bridge.contract.latest import Latest
from bridge.contract.presence import Part, Presence


class Source(Protocol):
    """One sign-in and the accounts that are read through it."""

    @property
    def slug(self) -> str:
        """Its name in logs."""

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account slugs and their names for people; another object when they are others."""

    @property
    def calls(self) -> int:
        """Requests that one read needs."""

    @property
    def sign_in(self) -> Latest[SignIn]:
        """The newest sign-in."""

    @property
    def throttled_until(self) -> datetime | None:
        """Nothing is sent before this moment."""

    async def read(self, part: Part = ...) -> Mapping[str, Presence]:
        """The presences now, by account slug; those of each of several requests as they come.

        Raises:
            SourceUnavailableError: Try again, after the wait it carries.
            SourceDataError: The answer is no presence.
            SignInNeededError: A person must sign in.
            AccessRefusedError: Signed in, but not allowed.
        """
