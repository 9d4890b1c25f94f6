"""Requests that arrive on the broker, and their answers. Never raises for what others send."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from typing import Any, Protocol

from bridge.broker import Received
from bridge.contract.errors import ConfigError, ContractError
from bridge.contract.health import Health
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json

LIMIT = 64 * 1024
"""Bytes of a request that are looked at."""
COMMANDS = (
    "poll",
    "signin",
    "signout",
    "restart",
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

    def sign_in(self, account: str) -> None:
        """Start a sign-in."""
        ...

    async def sign_out(self, account: str) -> None:
        """Forget a sign-in."""
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
    except (ConfigError, ContractError, ValueError) as wrong:
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
            service.sign_in(_account(request, accounts))
        case "signout":
            await service.sign_out(_account(request, accounts))
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


def _account(request: dict[str, Any], accounts: Collection[str]) -> str:
    account = request.get("account")
    if account is None and len(accounts) == 1:
        return next(iter(accounts))
    if not isinstance(account, str) or account not in accounts:
        raise ContractError(f"account must be one of: {', '.join(sorted(accounts))}")
    return account
