"""What the answers of the running service mean, whichever way it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.contract.account import Letter, SignIn, SignInState
from bridge.contract.errors import ContractError, PersonMustActError
from bridge.contract.wire import decode_json

ANSWER_S = 10.0
_SHOWN = (
    *("user_code", "verification_uri", "message", "remedy", "who", "correlation_id"),
    *("signed_in_as", "newcomer", "aadsts", "mend_url"),
)


def data_of(answer: Mapping[str, Any]) -> Any:
    """The data of an answer. Raises ``PersonMustActError`` for a refusal."""
    if answer.get("status") != "ok":
        reason = str(answer.get("error")).rstrip(".")
        raise PersonMustActError(f"the running service refused: {reason}.", remedy="")
    return answer.get("data")


def read_sign_in(payload: bytes) -> SignIn:
    """A sign-in, as far as commands show it; signed out where ``payload`` cannot be read."""
    try:
        fields = decode_json(payload)
        state = SignInState(fields.get("state", SignInState.SIGNED_OUT))
        ends = fields.get("expires_at")
        return SignIn(
            state,
            expires_at=datetime.fromisoformat(ends) if ends else None,
            letter=Letter(**letter) if (letter := fields.get("letter")) else None,
            also_on=tuple(fields.get("also_on") or ()),
            **{key: fields.get(key) for key in _SHOWN},
        )
    except (ContractError, TypeError, ValueError):
        return SignIn()
