"""Messages of drivers, and the last command, as values of the page. Pure.

Whoever has the password of a lamp may write its topics: each message is bounded before it is read.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bridge.contract.errors import ContractError
from bridge.contract.light import LightState
from bridge.contract.light_why import LightWhy
from bridge.contract.topics import ONLINE, slug
from bridge.contract.wire import decode
from bridge.web.data.page_words import cut
from bridge.web.data.snapshot import Light, Refusal

PAYLOAD_LIMIT, WHY_LIMIT = 4096, 8192
"""Bytes of a message, where ours have some hundred, and of an explanation, which lists people."""
NAME_LIMIT = 64
WORD_LIMIT = 64
MOST_APART_S = 100 * 366 * 86_400
"""A century: no clock is further off."""
LEAVES = ("state", "light/availability", "light/rule", "light/why")


def _at_most(characters: int) -> AfterValidator:
    return AfterValidator(lambda text: cut(text, characters))


_Rule = Annotated[str, _at_most(200)]
_Word = Annotated[str, _at_most(WORD_LIMIT)]
_Text = Annotated[str, _at_most(500)]


class Rule(BaseModel):
    """The JSON on ``driver/<d>/light/rule``."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    rule: _Rule | None = None
    account: _Word | None = None
    mode: _Word = "follow"
    look: LightState | None = None
    capability: _Word = "rgb"
    clock_apart_s: Annotated[int, Field(ge=-MOST_APART_S, le=MOST_APART_S)] = 0


class LastCommand(BaseModel):
    """The JSON on ``bridge/last_command``."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    command: _Word
    account: _Word | None = None
    at: datetime | None = None
    error: _Text | None = None
    remedy: _Text | None = None


def driver_name(text: str) -> str:
    """``text`` when it can be the name of a driver. Raises ``ContractError`` when it cannot."""
    if len(text) > NAME_LIMIT:
        raise ContractError("the name of a driver is shorter")
    return slug(text)


def light_of(before: Light, leaf: str, payload: bytes) -> Light | None:
    """``before`` after a message; ``None`` when nothing of its driver is left on the broker.

    One topic may be empty for a while, when somebody erased it. Raises ``ContractError`` for a
    message that is none of a driver's.
    """
    after = _after(before, leaf, payload)
    return None if not payload and after == Light(before.name) else after


def _after(before: Light, leaf: str, payload: bytes) -> Light:
    match leaf:
        case "state":
            return replace(before, online=payload == ONLINE.encode())
        case "light/availability":
            return replace(before, reachable=payload == ONLINE.encode())
        case "light/rule":
            rule = decode(Rule, _short(payload)) if payload else Rule()
            return replace(before, **dict(rule))
        case "light/why":
            why = decode(LightWhy, _short(payload, WHY_LIMIT)) if payload else None
            return replace(before, why=why)
    raise ContractError(f"{leaf[:WORD_LIMIT]} is not a topic of a driver's light")


def refusal_of(payload: bytes) -> Refusal | None:
    """The last command, when it was refused. Raises ``ContractError`` for another message."""
    if not payload:
        return None
    last = decode(LastCommand, _short(payload))
    if not last.error:
        return None
    at = last.at if last.at and last.at.tzinfo else None
    return Refusal(last.command, last.account, at, last.error, last.remedy)


def _short(payload: bytes, most: int = PAYLOAD_LIMIT) -> bytes:
    if len(payload) > most:
        raise ContractError(f"more than {most} bytes")
    return payload
