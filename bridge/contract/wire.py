"""Payloads: models to bytes and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from bridge.contract.account import AccountFacts
from bridge.contract.errors import ContractError
from bridge.contract.presence import (
    Activity,
    Availability,
    Presence,
    WorkLocation,
    WorkLocationSource,
)
from bridge.contract.topics import ONLINE

STATUS_LIMIT = 255
"""Most characters of a Home Assistant state; the full text goes to the attributes."""
ALIKE = 256
"""Moments and payloads that are remembered: of thousands read together most have the same."""

M = TypeVar("M", bound=BaseModel)


class Message(NamedTuple):
    """One MQTT message to send, at QoS 1 unless said otherwise."""

    topic: str
    payload: bytes
    retain: bool = True
    qos: int = 1
    expiry_s: int | None = None
    """MQTT 5 message expiry; dropped where the broker speaks 3.1.1."""


class AccountState(BaseModel):
    """What lamps read of ``account/<a>/state``: flat JSON, every key always, unknown is null."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    availability: Availability | None
    activity: Activity | None
    busy: bool | None
    in_call: bool | None
    in_meeting: bool | None
    out_of_office: bool | None
    status_message: str | None
    changed_at: datetime | None
    polled_at: datetime | None
    valid_until: datetime | None
    epoch: int | None = None
    """Orders states before ``polled_at``; a bridge of the last release sends none."""
    table: str | None = None
    """Whose ``TableFresh`` says until when it is current, in the place of ``valid_until``."""


class TableFresh(BaseModel):
    """What ``table/<t>/fresh`` says of all people of a large table at once."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    state: str
    """``online`` while they are current, and what the broker has stored of each is the newest."""
    polled_at: datetime | None
    valid_until: datetime | None
    epoch: int | None = None

    @property
    def until(self) -> datetime | None:
        """Until when who is in the table is current; ``None`` where nobody is."""
        return self.valid_until if self.state == ONLINE else None


def encode_json(value: Mapping[str, Any]) -> bytes:
    """Compact JSON with sorted keys, so that equal content is equal bytes.

    Half an emoji, which JSON can escape and UTF-8 cannot encode, becomes a question mark.
    """
    return _ENCODER.encode(value).encode(errors="replace")


def decode_json(payload: bytes) -> dict[str, Any]:
    """The JSON object in ``payload``; ``ContractError`` where there is none."""
    try:
        value = json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        raise ContractError("not JSON") from error
    if not isinstance(value, dict):
        raise ContractError("not a JSON object")
    return value


def decode(model: type[M], payload: bytes) -> M:
    """Read ``payload`` as ``model``; the ``ContractError`` repeats nothing of the payload."""
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        keys = ", ".join(".".join(map(str, e["loc"])) or "payload" for e in error.errors())
        raise ContractError(f"not a {model.__name__}: {keys}") from error


def encode_account_state(facts: AccountFacts, *, table: str | None = None) -> bytes:
    """The payload of ``account/<a>/state`` (section 7 of the design).

    A ``table`` that is given says until when it is current.
    """
    presence = facts.presence or _UNKNOWN
    return _state(
        presence.availability,
        presence.activity,
        presence.out_of_office,
        presence.status_message,
        presence.work_location,
        presence.work_location_source,
        facts.changed_at and moment_text(facts.changed_at),
        facts.polled_at and moment_text(facts.polled_at),
        moment_text(facts.valid_until) if facts.valid_until and not table else None,
        facts.epoch,
        table,
    )


def moment_text(moment: datetime) -> str:
    """``moment`` as it stands in payloads."""
    return _utc_text(moment) if moment.tzinfo is UTC else moment.isoformat(timespec="seconds")


@lru_cache(maxsize=ALIKE)
def _state(  # noqa: PLR0917 - what is remembered is found by these
    availability: Availability | None,
    activity: Activity | None,
    out_of_office: bool | None,  # noqa: FBT001 - a value
    status_message: str | None,
    work_location: WorkLocation | None,
    work_location_source: WorkLocationSource | None,
    changed_at: str | None,
    polled_at: str | None,
    valid_until: str | None,
    epoch: int | None,
    table: str | None,
) -> bytes:
    words = Presence(availability, activity)
    return encode_json(
        {
            "availability": availability,
            "activity": activity,
            "busy": _on_off(words.busy),
            "in_call": _on_off(words.in_call),
            "in_meeting": _on_off(words.in_meeting),
            "out_of_office": _on_off(out_of_office),
            "status_message": status_message[:STATUS_LIMIT] if status_message else None,
            "work_location": work_location,
            "work_location_source": work_location_source,
            "changed_at": changed_at,
            "polled_at": polled_at,
            "valid_until": valid_until,
            "epoch": epoch,
            "table": table,
        }
    )


@lru_cache(maxsize=ALIKE)
def _utc_text(moment: datetime) -> str:
    """Only of UTC: a moment of another zone is equal to it and has another text."""
    return moment.isoformat(timespec="seconds")


def _on_off(value: bool | None) -> str | None:  # noqa: FBT001 - the value itself
    return None if value is None else "ON" if value else "OFF"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return moment_text(value)
    raise TypeError(f"{type(value).__name__} has no place in a payload")


_UNKNOWN = Presence()
_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain
)
"""One for all: to make it takes longer than to encode a state."""
