"""What a sign-in goes through, whichever way a person takes. Pure."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from bridge.contract.errors import SourceUnavailableError
from bridge.microsoft.sign_in.answers import Answer
from bridge.microsoft.sign_in.remedies import Explanation
from bridge.retry import Random, full_jitter


@dataclass(frozen=True, slots=True)
class Waiting:
    """A code, or an address alone, waits for a person."""

    verification_uri: str
    lifetime_s: float
    message: str
    user_code: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """The person is done; the tokens are in the flow's token cache, and the new one is here."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class Failed:
    """It ended without tokens."""

    why: Explanation
    ran_out: bool = False
    """Nobody did anything in time."""


Step = Waiting | Granted | Failed


class Flow(Protocol):
    """One attempt to sign somebody in."""

    def steps(self) -> AsyncGenerator[Step, None]:
        """``Waiting``, then ``Granted`` or ``Failed``; or ``Failed`` at once.

        Raises:
            SourceUnavailableError: It cannot begin now, and can be begun again later.
        """
        ...


def wait_s(
    error: SourceUnavailableError, failures: int, *, first_s: float, most_s: float, random: Random
) -> float:
    """How long to wait after ``failures`` in a row: so long as is asked for, else full jitter."""
    if error.retry_after_s is not None:
        return error.retry_after_s
    return full_jitter(failures - 1, first_s=first_s, most_s=most_s, random=random)
