"""Carries out requests that arrive on the broker, and makes their answers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any, NamedTuple

from bridge.broker import Received
from bridge.contract.account import Followed
from bridge.contract.commands import Commands
from bridge.contract.errors import ContractError, PresenceBridgeError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json
from bridge.publishing.command_fields import (
    Request,
    account_in,
    location_in,
    message_in,
    minutes_in,
    named_in,
    presence_in,
    sign_in_of,
    way_in,
)

log = logging.getLogger(__name__)

LIMIT = 64 * 1024
"""Bytes of a request that are looked at."""
DEADLINE_S = 30.0
COMMANDS = (
    "poll",
    "signin",
    "signin_finish",
    "signin_keep",
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


class Outcome(NamedTuple):
    """The result of one request; nothing in it is a secret but ``data``."""

    command: str
    data: Any = None
    account: str | None = None
    """The account it named, if there is one of that name."""
    transaction: str | int | None = None
    error: str | None = None
    remedy: str | None = None

    def answer(self) -> dict[str, Any]:
        """The payload of the answer."""
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
    service: Commands,
    rediscover: Callable[[], None],
    deadline_s: float = DEADLINE_S,
) -> Outcome:
    """Do what a request asks. Never raises but for a cancellation."""
    outcome = Outcome(_command_of(received, topics))
    try:
        request = _read(received, outcome.command)
        outcome = _about(outcome, request, accounts)
        async with asyncio.timeout(deadline_s):
            data = await _do(outcome.command, request, accounts, service, rediscover)
        return outcome._replace(data=data)
    except TimeoutError:
        return outcome._replace(error="It was not done in time; try again.")
    except PresenceBridgeError as error:
        return outcome._replace(error=error.text, remedy=error.remedy or None)
    except ValueError as error:
        return outcome._replace(error=str(error))
    except Exception:  # one message's bug must not be that of the next
        log.exception("request %s: internal error; please report this", outcome.command)
        return outcome._replace(error="internal error; please report it with the bridge's log")


def turned_away(received: Received, topics: Topics) -> Outcome:
    """The result of a request that comes while too many wait."""
    outcome = Outcome(_command_of(received, topics))
    with suppress(ContractError):
        outcome = _about(outcome, _read(received, outcome.command), {})
    return outcome._replace(error="too many requests at once; try again in a moment")


def _command_of(received: Received, topics: Topics) -> str:
    return received.topic.removeprefix(topics.request("+").removesuffix("+"))


def _about(outcome: Outcome, request: Request, accounts: Mapping[str, Followed]) -> Outcome:
    transaction = request.get("transaction")
    return outcome._replace(
        transaction=transaction if isinstance(transaction, str | int) else None,
        account=named_in(request, accounts),
    )


def _read(received: Received, command: str) -> Request:
    if received.retain:
        raise ContractError("a retained request is ignored: publish without retain")
    if command not in COMMANDS:
        raise ContractError(f"unknown command; known: {', '.join(COMMANDS)}")
    if len(received.payload) > LIMIT:
        raise ContractError(f"a request has at most {LIMIT} bytes")
    return decode_json(received.payload) if received.payload.strip() else {}


async def _do(
    command: str,
    request: Request,
    accounts: Mapping[str, Followed],
    service: Commands,
    rediscover: Callable[[], None],
) -> Any:
    match command:
        case "poll":
            service.poll(account_in(request, accounts) if "account" in request else None)
        case "signin" | "signin_finish" | "signin_keep" | "signin_cancel" | "signout":
            await _sign_in(command, request, sign_in_of(request, accounts), service)
        case "set_presence" | "set_status_message" | "set_work_location" | "clear_presence":
            return await _set(command, request, account_in(request, accounts), service)
        case "reload":
            return {"needs_restart": service.reload()}
        case "restart":
            service.restart()
        case "log_level":
            service.set_log_level(str(request.get("level", "")))
        case "rediscover":
            rediscover()
        case _:
            return asdict(service.health())
    return None


async def _sign_in(command: str, request: Request, account: str, service: Commands) -> None:
    match command:
        case "signin":
            service.sign_in(account, way_in(request))
        case "signin_finish":
            service.finish_sign_in(account, str(request.get("address", "")))
        case "signin_keep":
            await service.keep_sign_in(account)
        case "signin_cancel":
            service.cancel_sign_in(account)
        case _:
            await service.sign_out(account)


async def _set(command: str, request: Request, account: str, service: Commands) -> Any:
    """Change somebody's presence; what is set now, with what a person must know about it."""
    note: str | None = None
    match command:
        case "set_presence":
            presence = presence_in(request)
            note = await service.set_presence(account, presence, minutes_in(request))
        case "set_status_message":
            message = message_in(request)
            await service.set_status_message(account, message, minutes_in(request))
        case "set_work_location":
            location, place_id = location_in(request)
            await service.set_work_location(account, location, place_id)
            return {"location": location}
        case _:
            await service.clear_presence(account)
    return asdict(service.preferred(account)) | ({"note": note} if note else {})
