"""What a sign-in flow yields, whichever way a person takes, and its rests after trouble. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from bridge.contract.account import SignIn
from bridge.contract.errors import SourceUnavailableError
from bridge.contract.retry import Random, full_jitter
from bridge.microsoft.sign_in.cache_entries import ACCOUNT
from bridge.microsoft.sign_in.genuine_answers import Answer
from bridge.microsoft.sign_in.identity import Identity, identity_of
from bridge.microsoft.sign_in.remedies import Explanation

if TYPE_CHECKING:
    import msal


class Failed(NamedTuple):
    """The flow ended without tokens."""

    why: Explanation
    ran_out: bool = False
    """Nobody did anything in time."""


Step = SignIn | Answer | Failed
"""First what waits for a person, then the answer with the tokens or the failure; or that alone."""


class Granted(NamedTuple):
    """What somebody who signed in was granted."""

    answer: Answer
    tokens: msal.SerializableTokenCache
    """With nothing of anybody else."""
    scopes: Sequence[str]

    @property
    def who(self) -> Identity | None:
        """Whom it belongs to, as far as Microsoft says."""
        account = next(iter(self.tokens.search(ACCOUNT)), None)
        return identity_of(account, self.answer.get("id_token_claims")) if account else None


def wait_s(
    error: SourceUnavailableError, failures: int, *, first_s: float, most_s: float, random: Random
) -> float:
    """How long to wait after ``failures`` in a row: as long as Microsoft says, else full jitter."""
    if error.retry_after_s is not None:
        return error.retry_after_s
    return full_jitter(failures - 1, first_s=first_s, most_s=most_s, random=random)
