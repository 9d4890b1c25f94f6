"""Requests that arrive on the broker, and their answers. Never raises for what others send."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

from bridge.broker import Received
from bridge.contract.account import Followed, Way
from bridge.contract.errors import ContractError, PersonMustActError, PresenceBridgeError
from bridge.contract.preferred import PreferredLocation, PreferredPresence
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json
from bridge.publishing.service import Rediscovery, Service

log = logging.getLogger(__name__)

LIMIT = 64 * 1024
"""Bytes of a request that are looked at."""
DEADLINE_S = 30.0
MINUTES_MOST = 1_000_000
NAMED_MOST = 10
"""So many accounts a refusal names."""
COMMANDS = (
    "poll",
    "signin",
    "signin_finish",
    "signin_cancel",
    "signout",
    "restart",
    "set_presence",
    "set_status_message",
    "set_work_location",
    "clear_presence",
    "log_level",
    "rediscover",
    "health_check",
    "reload",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request; nothing of it is a secret but ``data``."""

    command: str
    data: Any = None
    account: str | None = None
    """Whom it named, if anybody is called so."""
    transaction: str | int | None = None
    error: str | None = None
    remedy: str | None = None

    def answer(self) -> dict[str, Any]:
        """What who asked is told."""
        payload: dict[str, Any] = {
            "status": "error" if self.error else "ok",
            "data": self.data,
            "error": " ".join(text for text in (self.error, self.remedy) if text) or None,
        }
        if self.transaction is not None:
            payload["transaction"] = self.transaction
        return payload

    def response(self, topics: Topics) -> Message | None:
        """The answer; ``None`` where the topic of the request can have none."""
        try:
            return Message(topics.response(self.command), encode_json(self.answer()), retain=False)
        except ContractError:
            return None


async def carry_out(
    received: Received,
    *,
    topics: Topics,
    accounts: Mapping[str, Followed],
    service: Service,
    rediscovery: Rediscovery,
    deadline_s: float = DEADLINE_S,
) -> Outcome:
    """Do what a request asks. Never raises but for a cancellation."""
    outcome = Outcome(received.topic.removeprefix(topics.request("+").removesuffix("+")))
    try:
        request = _read(received, outcome.command)
        outcome = _about(outcome, request, accounts)
        async with asyncio.timeout(deadline_s):
            data = await _do(outcome.command, request, accounts, service, rediscovery)
        return replace(outcome, data=data)
    except TimeoutError:
        return replace(outcome, error="It was not done in time; try again.")
    except PersonMustActError as error:
        told = str(error).removesuffix(error.remedy).strip()
        return replace(outcome, error=told, remedy=error.remedy or None)
    except (PresenceBridgeError, ValueError) as error:
        return replace(outcome, error=str(error))
    except Exception:  # one message's bug must not be that of the next
        log.exception("request %s: internal error; please report this", outcome.command)
        return replace(outcome, error="internal error; please report it with the bridge's log")


def turned_away(received: Received, topics: Topics) -> Outcome:
    """What becomes of a request that comes while too many wait."""
    outcome = Outcome(received.topic.removeprefix(topics.request("+").removesuffix("+")))
    with suppress(ContractError):
        outcome = _about(outcome, _read(received, outcome.command), {})
    return replace(outcome, error="too many requests at once; try again in a moment")


def _about(
    outcome: Outcome, request: Mapping[str, Any], accounts: Mapping[str, Followed]
) -> Outcome:
    transaction, account = request.get("transaction"), request.get("account")
    return replace(
        outcome,
        transaction=transaction if isinstance(transaction, str | int) else None,
        account=account if isinstance(account, str) and _names(account, accounts) else None,
    )


def _read(received: Received, command: str) -> dict[str, Any]:
    if received.retain:
        raise ContractError("a retained request is ignored: publish without retain")
    if command not in COMMANDS:
        raise ContractError(f"unknown command; known: {', '.join(COMMANDS)}")
    if len(received.payload) > LIMIT:
        raise ContractError(f"a request has at most {LIMIT} bytes")
    return decode_json(received.payload) if received.payload.strip() else {}


async def _do(
    command: str,
    request: dict[str, Any],
    accounts: Mapping[str, Followed],
    service: Service,
    rediscovery: Rediscovery,
) -> Any:
    match command:
        case "poll":
            service.poll(_one_of(accounts, request) if "account" in request else None)
        case "signin" | "signin_finish" | "signin_cancel" | "signout":
            account = _sign_in_of(request, accounts)
            with _followed(account):
                await _sign_in(command, request, account, service)
        case "set_presence" | "set_status_message" | "set_work_location" | "clear_presence":
            account = _one_of(accounts, request)
            with _followed(account):
                return await _set(command, request, account, service)
        case "reload":
            return {"needs_restart": service.reload()}
        case "restart":
            service.restart()
        case "log_level":
            service.set_log_level(str(request.get("level", "")))
        case "rediscover":
            rediscovery.rediscover()
        case _:
            return asdict(service.health())
    return None


@contextmanager
def _followed(account: str) -> Iterator[None]:
    """Tell of somebody who left while the request was on its way."""
    try:
        yield
    except KeyError as error:
        if error.args != (account,):
            raise
        raise ContractError(f"{account} is not followed any more") from None


async def _sign_in(command: str, request: dict[str, Any], account: str, service: Service) -> None:
    match command:
        case "signin":
            service.sign_in(account, _way(request))
        case "signin_finish":
            service.finish_sign_in(account, str(request.get("address", "")))
        case "signin_cancel":
            service.cancel_sign_in(account)
        case _:
            await service.sign_out(account)


async def _set(command: str, request: dict[str, Any], account: str, service: Service) -> Any:
    """Change somebody's presence; what a person must know, if anything."""
    note: str | None = None
    if command == "set_presence":
        word = request.get("presence")
        if word not in tuple(PreferredPresence):
            raise ContractError(f"presence must be one of: {', '.join(PreferredPresence)}")
        note = await service.set_presence(account, PreferredPresence(word), _lasts(request))
    elif command == "set_status_message":
        text = request.get("message")
        if not isinstance(text, str):
            raise ContractError("message must be text; an empty one removes it")
        await service.set_status_message(account, text.strip(), _lasts(request))
    elif command == "set_work_location":
        location, place_id = _place(request)
        await service.set_work_location(account, location, place_id)
        return {"location": location}
    else:
        await service.clear_presence(account)
    return asdict(service.preferred(account)) | ({"note": note} if note else {})


def _place(request: dict[str, Any]) -> tuple[PreferredLocation, str | None]:
    word, place_id = request.get("location"), request.get("place_id")
    if word not in tuple(PreferredLocation):
        raise ContractError(f"location must be one of: {', '.join(PreferredLocation)}")
    if not isinstance(place_id, str | None):
        raise ContractError("place_id must be text")
    return PreferredLocation(word), place_id


def _lasts(request: dict[str, Any]) -> timedelta | None:
    minutes = request.get("minutes")
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, int) or abs(minutes) > MINUTES_MOST:
        raise ContractError("minutes must be a whole number")
    return timedelta(minutes=minutes)


def _sign_in_of(request: dict[str, Any], accounts: Mapping[str, Followed]) -> str:
    """The account or table that is meant; one of those whom a table reads means the table."""
    account = request.get("account")
    if isinstance(account, str) and account in accounts:
        return accounts[account].table or account
    return _one_of(_sign_ins(accounts), request)


def _names(account: str, accounts: Mapping[str, Followed]) -> bool:
    return account in accounts or account in _sign_ins(accounts)


def _sign_ins(accounts: Mapping[str, Followed]) -> dict[str, None]:
    return {account.table or slug: None for slug, account in accounts.items()}


def _one_of(known: Collection[str], request: dict[str, Any]) -> str:
    account = request.get("account")
    if account is None and len(known) == 1:
        return next(iter(known))
    if not isinstance(account, str) or account not in known:
        named = ", ".join(sorted(known)[:NAMED_MOST])
        more = f" and {len(known) - NAMED_MOST} more" if len(known) > NAMED_MOST else ""
        raise ContractError(f"account must be one of: {named}{more}")
    return account


def _way(request: dict[str, Any]) -> Way | None:
    if "way" not in request:
        return None
    if request["way"] not in tuple(Way):
        raise ContractError(f"way must be one of: {', '.join(Way)}")
    return Way(request["way"])
