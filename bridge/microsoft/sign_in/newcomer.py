"""Somebody who has signed in: their tokens, and the question whether they are meant. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bridge.microsoft.sign_in.answers import Answer
from bridge.microsoft.sign_in.cache_entries import ACCOUNT
from bridge.microsoft.sign_in.expected import Expected, is_another
from bridge.microsoft.sign_in.identity import Identity, identity_of

if TYPE_CHECKING:
    import msal


class Granted(NamedTuple):
    """What somebody who signed in was granted."""

    answer: Answer
    tokens: msal.SerializableTokenCache
    """With nothing of anybody else."""
    scopes: Sequence[str]
    """What it was granted for."""

    @property
    def who(self) -> Identity | None:
        """Whom it belongs to, as far as Microsoft says."""
        account = next(iter(self.tokens.search(ACCOUNT)), None)
        return identity_of(account, self.answer.get("id_token_claims")) if account else None


class Newcomer(NamedTuple):
    """Somebody unexpected, until a person keeps them or another signs in."""

    who: Identity
    question: str
    waiting: Granted | None
    """What takes the place of the sign-in before once they are kept; nothing where there was none
    before: theirs is used already."""


def newcomer_of(granted: Granted, before: Identity | None, expected: Expected) -> Newcomer | None:
    """Whoever was granted something, where they must be asked about; ``before`` was signed in."""
    who = granted.who
    question = expected.question(who, before) if who else None
    if who is None or question is None:
        return None
    return Newcomer(who, question, granted if is_another(who, before) else None)
