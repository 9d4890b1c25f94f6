"""Requests that arrive on the broker, and their answers. Never raises for what others send."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Protocol

from bridge.broker import Received
from bridge.contract.account import Way
from bridge.contract.errors import ContractError, PresenceBridgeError, TryAgainError
from bridge.contract.health import Health
from bridge.contract.preferred import Preferred, PreferredPresence
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json

LIMIT = 64 * 1024
"""Bytes of a request that are looked at."""
WRITE_DEADLINE_S = 30.0
MINUTES_MOST = 1_000_000
COMMANDS = (
    "poll",
    "signin",
    "signin_finish",
    "signout",
    "restart",
    "set_presence",
    "set_status_message",
    "clear_presence",
    "log_level",
    "rediscover",
    "health_check",
    "reload",
)


class Service(Protocol):
    """What requests can make the service do."""

    def poll(self, account: str | None) -> None:
        """Read one account, or all, now."""
        ...

    def sign_in(self, account: str, way: Way | None) -> None:
        """Start a sign-in, by the account's own way if no other is given."""
        ...

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the address that a browser ended on.

        Raises ``PersonMustActError`` when it is not the one that is waited for.
        """
        ...

    async def sign_out(self, account: str) -> None:
        """Forget a sign-in."""
        ...

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None
    ) -> str | None:
        """Be shown as ``presence``; what a person must know.

        Raises ``PresenceBridgeError`` when it is not allowed or Microsoft refuses, as do the next.
        """
        ...

    async def set_status_message(self, account: str, text: str, lasts: timedelta | None) -> None:
        """Set the status message, or remove it with an empty one."""
        ...

    async def clear_presence(self, account: str) -> None:
        """Prefer nothing and say nothing."""
        ...

    def preferred(self, account: str) -> Preferred:
        """What was set from here."""
        ...

    def restart(self) -> None:
        """Stop in order and start anew."""
        ...

    def reload(self) -> list[str]:
        """Read the accounts of the config anew; the changed tables that need a restart.

        Raises ``ConfigError`` when the config is wrong.
        """
        ...

    def set_log_level(self, level: str) -> None:
        """Change the log level. Raises ``ValueError`` for an unknown one."""
        ...

    def log_level(self) -> str:
        """The log level in force."""
        ...

    def health(self) -> Health:
        """How the service fares now."""
        ...


class Rediscovery(Protocol):
    """Sends all discovery again."""

    def rediscover(self) -> None:
        """Soon, once."""
        ...


async def answer(
    received: Received,
    *,
    topics: Topics,
    accounts: Collection[str],
    service: Service,
    rediscovery: Rediscovery,
) -> Message | None:
    """Do what a request asks; its answer, or ``None`` when the topic is no request."""
    command = received.topic.removeprefix(topics.request("+").removesuffix("+"))
    transaction: Any = None
    data: Any = None
    error: str | None = None
    try:
        request = _read(received, command)
        transaction = request.get("transaction")
        data = await _do(command, request, accounts, service, rediscovery)
    except (PresenceBridgeError, ValueError) as wrong:
        error = str(wrong)
    payload = {"status": "error" if error else "ok", "data": data, "error": error}
    if isinstance(transaction, str | int):
        payload["transaction"] = transaction
    try:
        topic = topics.response(command)
    except ContractError:
        return None
    return Message(topic, encode_json(payload), retain=False)


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
    accounts: Collection[str],
    service: Service,
    rediscovery: Rediscovery,
) -> Any:
    match command:
        case "poll":
            service.poll(_account(request, accounts) if "account" in request else None)
        case "signin":
            service.sign_in(_account(request, accounts), _way(request))
        case "signin_finish":
            service.finish_sign_in(_account(request, accounts), str(request.get("address", "")))
        case "signout":
            await service.sign_out(_account(request, accounts))
        case "set_presence" | "set_status_message" | "clear_presence":
            return await _set(command, request, _account(request, accounts), service)
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


async def _set(command: str, request: dict[str, Any], account: str, service: Service) -> Any:
    """Change somebody's presence; what a person must know, if anything."""
    note: str | None = None
    try:
        async with asyncio.timeout(WRITE_DEADLINE_S):
            if command == "set_presence":
                word = request.get("presence")
                if word not in tuple(PreferredPresence):
                    raise ContractError(f"presence must be one of: {', '.join(PreferredPresence)}")
                preferred = PreferredPresence(word)
                note = await service.set_presence(account, preferred, _lasts(request))
            elif command == "set_status_message":
                text = request.get("message")
                if not isinstance(text, str):
                    raise ContractError("message must be text; an empty one removes it")
                await service.set_status_message(account, text.strip(), _lasts(request))
            else:
                await service.clear_presence(account)
    except TimeoutError as error:
        raise TryAgainError("Microsoft did not answer in time") from error
    return asdict(service.preferred(account)) | ({"note": note} if note else {})


def _lasts(request: dict[str, Any]) -> timedelta | None:
    minutes = request.get("minutes")
    if minutes is None:
        return None
    if isinstance(minutes, bool) or not isinstance(minutes, int) or abs(minutes) > MINUTES_MOST:
        raise ContractError("minutes must be a whole number")
    return timedelta(minutes=minutes)


def _account(request: dict[str, Any], accounts: Collection[str]) -> str:
    account = request.get("account")
    if account is None and len(accounts) == 1:
        return next(iter(accounts))
    if not isinstance(account, str) or account not in accounts:
        raise ContractError(f"account must be one of: {', '.join(sorted(accounts))}")
    return account


def _way(request: dict[str, Any]) -> Way | None:
    if "way" not in request:
        return None
    if request["way"] not in tuple(Way):
        raise ContractError(f"way must be one of: {', '.join(Way)}")
    return Way(request["way"])
