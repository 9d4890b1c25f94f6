"""What a hub says in a reply when it refuses, and what that means for us. Pure.

phue only logs a refusal, and only when it comes first; so each reply is read here as a whole.
Source: Hue API v1, "Error messages" (developers.meethue.com).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.contract.errors import (
    LightRefusedError,
    LightUnreachableError,
    PersonMustActError,
    TryAgainError,
)

UNKNOWN_KEY, NO_SUCH_RESOURCE = 1, 3
NO_LINK_BUTTON, IS_OFF, INTERNAL = 101, 201, 901


@dataclass(frozen=True)
class Refusal:
    """One ``error`` entry."""

    type: int
    description: str


class HubRefusedError(Exception):
    """The hub answered, and refused; ``refusals`` is never empty. Stays inside of this kind."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__("; ".join(refusal.description for refusal in refusals))
        self.types = frozenset(refusal.type for refusal in refusals)


class _Error(BaseModel):
    model_config = ConfigDict(extra="ignore")

    type: int
    description: str = ""


def checked(reply: Any) -> Any:
    """``reply`` itself, when it holds no refusal and has a shape that the API knows.

    Raises:
        HubRefusedError: At least one entry is an error.
        ValueError: It is no reply of a hub.
    """
    if isinstance(reply, dict):
        return reply
    if not isinstance(reply, list) or not reply:
        raise ValueError("no reply of a Hue hub")
    refusals = []
    for entry in reply:
        if not isinstance(entry, dict) or not entry.keys() & {"success", "error"}:
            raise ValueError("no reply of a Hue hub")
        if "error" in entry:
            refusals.append(_refusal(entry["error"]))
    if refusals:
        raise HubRefusedError(refusals)
    return reply


def meaning(error: HubRefusedError, *, name: str) -> TryAgainError | PersonMustActError:
    """The error of ours for what the hub refused to the lamp ``name``."""
    if UNKNOWN_KEY in error.types:
        return LightRefusedError(
            "the hub does not know our key any more.",
            remedy=f"Run: presence-driver pair {name}",
        )
    if error.types & {NO_SUCH_RESOURCE, INTERNAL, IS_OFF}:
        return LightUnreachableError(f"the hub says: {error}")
    return LightRefusedError(
        f"the hub says: {error}.",
        remedy="Is this light or group right? See docs/lights/hue.md.",
    )


def _refusal(entry: Any) -> Refusal:
    try:
        error = _Error.model_validate(entry)
    except ValidationError:
        raise ValueError("no reply of a Hue hub") from None
    return Refusal(error.type, error.description or f"error {error.type}")
