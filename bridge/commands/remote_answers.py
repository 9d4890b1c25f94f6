"""What a command asks of the running service, and what it makes of the answers. Never sends."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from bridge.config.models import Config
from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.errors import ConfigError, ContractError, PersonMustActError
from bridge.contract.wire import decode_json

ANSWER_S = 10.0
CODE_LIFETIME_S = 900.0 + 60.0
"""A device code lives 15 minutes; a minute more for the answer."""
_TEXTS = ("user_code", "verification_uri", "message", "remedy", "who", "correlation_id")
NAMED_MOST = 10
"""So many names stand in a refusal; a table can have thousands of people."""


class RunningService(Protocol):
    """The running service, wherever it is asked.

    Each raises ``TryAgainError`` when no answer came, ``PersonMustActError`` for a refusal.
    """

    async def ask(self, command: str, **fields: str) -> Any:
        """Send one request of those on the broker; the data of its answer."""
        ...

    def news(self, slug: str, way: Way) -> AsyncGenerator[SignIn, None]:
        """Begin to sign in, and tell of it; a code that waits already comes first."""
        ...


def data_of(answer: Mapping[str, Any]) -> Any:
    """The data of an answer. Raises ``PersonMustActError`` for a refusal."""
    if answer.get("status") != "ok":
        reason = str(answer.get("error")).rstrip(".")
        raise PersonMustActError(f"the running service refused: {reason}.", remedy="")
    return answer.get("data")


def chosen(config: Config, account: str | None) -> str:
    """The slug of ``account``, or of the only one there is.

    Raises:
        ConfigError: There is no such account.
    """
    if account is None and len(config.accounts) == 1:
        return next(iter(config.accounts))
    if account not in config.accounts:
        known = _some(list(config.accounts)) or "none; add [accounts.NAME] to the config"
        asked = "which account?" if account is None else f"there is no account {account!r};"
        raise ConfigError([f"accounts: {asked} known: {known}"])
    return account


def read_sign_in(payload: bytes) -> SignIn:
    """What is told of a sign-in, as far as commands show it; of what cannot be read, nothing."""
    try:
        fields = decode_json(payload)
        state = SignInState(fields.get("state", SignInState.SIGNED_OUT))
        ends = fields.get("expires_at")
        expires_at = datetime.fromisoformat(ends) if ends else None
    except (ContractError, TypeError, ValueError):
        return SignIn()
    return SignIn(state, expires_at=expires_at, **{key: fields.get(key) for key in _TEXTS})


def say(line: str) -> None:
    """Answer the person at the terminal."""
    print(line, flush=True)  # noqa: T201 - the command's answer


def _some(names: Sequence[str]) -> str:
    left = len(names) - NAMED_MOST
    return ", ".join(names[:NAMED_MOST]) + (f" and {left} more" if left > 0 else "")
