"""Requests of a command to the running service, through the broker. Never does the work itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bridge.broker import Received, visit
from bridge.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import ConfigError, ContractError, PersonMustActError, TryAgainError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json

ANSWER_S = 10.0
CODE_LIFETIME_S = 900.0 + 60.0
"""A device code lives 15 minutes; a minute more for the answer."""
NAMED_MOST = 10
"""So many names stand in a refusal; a table can have thousands of people."""


async def ask(
    config: Config,
    command: str,
    slug: str | None = None,
    *,
    more: Mapping[str, str] | None = None,
    follow: Sequence[str] = (),
    until: Callable[[Received], bool] = lambda _: True,
) -> Any:
    """Send one request to the running service and wait for its answer; returns the answer's data.

    With ``follow`` it then waits, as long as a code lives, for what ``until`` calls the last on
    those topics. What is stored there is old, unless it is a code that still waits.

    Raises:
        TryAgainError: No answer came.
        PersonMustActError: The service refused.
    """
    topics, transaction = topics_of(config), f"cli-{os.getpid()}"
    answers: list[Mapping[str, Any]] = []
    code: list[Received] = []

    def is_last(received: Received) -> bool:
        if received.topic in follow:
            if answers and not received.retain:
                return until(received)
            code[:] = [received] if _is_code(received.payload) else []
            return False
        if not _answers(received.payload, transaction):
            return False
        answers.append(decode_json(received.payload))
        deadline.reschedule(None)
        return not follow or answers[0].get("status") != "ok" or any(map(until, code))

    asked = {"account": slug} if slug else {}
    request = encode_json({**asked, **(more or {}), "transaction": transaction})
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S) as deadline:
            await visit(
                config.mqtt,
                follow=[topics.response(command), *follow],
                publish=[Message(topics.request(command), request, retain=False)],
                until=is_last,
                within_s=CODE_LIFETIME_S,
            )
    if not answers:
        raise TryAgainError("the running service did not answer: is it connected to the broker?")
    if answers[0].get("status") != "ok":
        reason = str(answers[0].get("error")).rstrip(".")
        raise PersonMustActError(f"the running service refused: {reason}.", remedy="")
    return answers[0].get("data")


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
    """What an ``auth`` topic says, as far as commands show it; of what cannot be read, nothing."""
    try:
        fields = decode_json(payload)
        state = SignInState(fields.get("state", SignInState.SIGNED_OUT))
        ends = fields.get("expires_at")
        expires_at = datetime.fromisoformat(ends) if ends else None
    except (ContractError, TypeError, ValueError):
        return SignIn()
    texts = {key: fields.get(key) for key in ("user_code", "verification_uri", "message", "remedy")}
    return SignIn(state, expires_at=expires_at, **texts)


def auth_topics(config: Config, slug: str) -> list[str]:
    """Where the service tells of the sign-in of ``[accounts.slug]``.

    That is a topic of the table where it reads several people, and of the account otherwise.
    """
    topics = topics_of(config)
    return [topics.table(slug, "auth"), topics.account(slug, "auth")]


def topics_of(config: Config) -> Topics:
    """The topics of the bridge that ``config`` is about."""
    return Topics(config.mqtt.base_topic, config.homeassistant.discovery_prefix)


def say(line: str) -> None:
    """Answer the person at the terminal."""
    print(line, flush=True)  # noqa: T201 - the command's answer


def _answers(payload: bytes, transaction: str) -> bool:
    try:
        return decode_json(payload).get("transaction") == transaction
    except ContractError:
        return False


def _is_code(payload: bytes) -> bool:
    return read_sign_in(payload).waits


def _some(names: Sequence[str]) -> str:
    left = len(names) - NAMED_MOST
    return ", ".join(names[:NAMED_MOST]) + (f" and {left} more" if left > 0 else "")
