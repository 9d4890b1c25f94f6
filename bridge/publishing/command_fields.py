"""Reads the fields of a request. Each function raises ``ContractError`` for a wrong one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from bridge.contract.account import Followed, Way
from bridge.contract.errors import ContractError
from bridge.contract.preferred import PreferredLocation, PreferredPresence

Request = Mapping[str, Any]
MINUTES_MOST = 1_000_000
NAMED_MOST = 10
"""So many accounts a refusal names."""


def account_in(request: Request, accounts: Collection[str]) -> str:
    """The account that is named; the only one where none is."""
    account = request.get("account")
    if account is None and len(accounts) == 1:
        return next(iter(accounts))
    if not isinstance(account, str) or account not in accounts:
        named = ", ".join(sorted(accounts)[:NAMED_MOST])
        more = f" and {len(accounts) - NAMED_MOST} more" if len(accounts) > NAMED_MOST else ""
        raise ContractError(f"account must be one of: {named}{more}")
    return account


def sign_in_of(request: Request, accounts: Mapping[str, Followed]) -> str:
    """The account or table that is named; a person whom a table reads means the table."""
    account = request.get("account")
    if isinstance(account, str) and account in accounts:
        return accounts[account].table or account
    return account_in(request, _sign_ins(accounts))


def named_in(request: Request, accounts: Mapping[str, Followed]) -> str | None:
    """The account or table that is named, if there is one of that name."""
    account = request.get("account")
    if not isinstance(account, str):
        return None
    return account if account in accounts or account in _sign_ins(accounts) else None


def way_in(request: Request) -> Way | None:
    """How to sign in, where that is chosen."""
    if "way" not in request:
        return None
    if request["way"] not in tuple(Way):
        raise ContractError(f"way must be one of: {', '.join(Way)}")
    return Way(request["way"])


def presence_in(request: Request) -> PreferredPresence:
    """The presence to show."""
    word = request.get("presence")
    if word not in tuple(PreferredPresence):
        raise ContractError(f"presence must be one of: {', '.join(PreferredPresence)}")
    return PreferredPresence(word)


def message_in(request: Request) -> str:
    """The status message."""
    text = request.get("message")
    if not isinstance(text, str):
        raise ContractError("message must be text; an empty one removes it")
    return text.strip()


def location_in(request: Request) -> tuple[PreferredLocation, str | None]:
    """The work location, and the id of a place there."""
    word, place_id = request.get("location"), request.get("place_id")
    if word not in tuple(PreferredLocation):
        raise ContractError(f"location must be one of: {', '.join(PreferredLocation)}")
    if not isinstance(place_id, str | None):
        raise ContractError("place_id must be text")
    return PreferredLocation(word), place_id


def minutes_in(request: Request) -> timedelta | None:
    """For how long, where that is given."""
    minutes = request.get("minutes")
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, int) or abs(minutes) > MINUTES_MOST:
        raise ContractError("minutes must be a whole number")
    return timedelta(minutes=minutes)


def _sign_ins(accounts: Mapping[str, Followed]) -> dict[str, None]:
    return {account.table or slug: None for slug, account in accounts.items()}
