"""The commands about accounts: login, logout, accounts. Never runs beside the service's back.

When the service runs, it does the work and is asked through the broker; otherwise the command does
it itself and holds the state folder meanwhile.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from bridge import state
from bridge.broker import Received, visit
from bridge.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.clock import SystemClock
from bridge.contract.errors import ConfigError, ContractError, PersonMustActError, TryAgainError
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, decode_json, encode_json
from bridge.microsoft import Microsoft, MicrosoftAccount

OK, FAILED = 0, 1
ANSWER_S = 10.0
CODE_LIFETIME_S = 900.0 + 60.0
"""A device code lives 15 minutes; a minute more for the answer."""
LOOK_S = 2.0
_ENDED = (SignInState.SIGNED_IN, SignInState.EXPIRED, SignInState.ERROR)


def login(config: Config, account: str | None) -> int:
    """Sign ``account`` in, or the only one there is; 0 when it worked.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = _chosen(config, account)
    if state.in_use(config.state_dir):
        return asyncio.run(_ask_to_sign_in(config, slug))
    with state.claimed(config.state_dir):
        return asyncio.run(_sign_in(config, slug))


def logout(config: Config, account: str) -> int:
    """Forget the sign-in of ``account``.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = _chosen(config, account)
    if state.in_use(config.state_dir):
        asyncio.run(_ask(config, "signout", slug))
    else:
        with state.claimed(config.state_dir):
            asyncio.run(_sign_out(config, slug))
    _say(f"{slug} is signed out.")
    return OK


def reload(config: Config) -> int:
    """Let the running service read the accounts of its config anew.

    Raises:
        PersonMustActError: The service refuses the config, or does not run.
        TryAgainError: No answer came.
    """
    if not state.in_use(config.state_dir):
        raise PersonMustActError("the service does not run.", remedy="Start it.")
    data = asyncio.run(_ask(config, "reload")) or {}
    waiting = ", ".join(data.get("needs_restart", ()))
    _say(f"Done.{f' Restart the service for: {waiting}.' if waiting else ''}")
    return OK


def table(config: Config) -> int:
    """Print a line an account, from what the broker has stored.

    Raises:
        PresenceBridgeError: The broker cannot be used.
    """
    topics = _topics(config)
    leaves = ("state", "auth", "availability")
    received = asyncio.run(
        visit(
            config.mqtt,
            follow=[topics.account("+", leaf) for leaf in leaves] + [topics.bridge_state],
            until=lambda _: False,
            within_s=LOOK_S,
        )
    )
    stored = {message.topic: message.payload for message in received}
    if stored.get(topics.bridge_state) != b"online":
        _say("The service is not running; this is what it left behind.")
    rows: list[tuple[str, ...]] = [("ACCOUNT", "SIGN-IN", "PRESENCE", "SINCE", "LAST GOOD POLL")]
    rows += [_row(topics, slug, stored) for slug in config.accounts]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        _say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return OK


async def _sign_in(config: Config, slug: str) -> int:
    async with Microsoft(config, SystemClock()) as microsoft:
        account = microsoft.account(slug)
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(account.run(), name=f"sign-in-{slug}")
            result = await _watch_sign_in(account)
            working.cancel()
    return result


async def _watch_sign_in(account: MicrosoftAccount) -> int:
    account.request_sign_in()
    async for sign_in in account.sign_in.watch():
        if sign_in.state is not SignInState.SIGNED_OUT:
            _say_sign_in(account.slug, sign_in)
        if sign_in.state in _ENDED:
            break
    return OK if account.sign_in.value.state is SignInState.SIGNED_IN else FAILED


async def _sign_out(config: Config, slug: str) -> None:
    async with Microsoft(config, SystemClock()) as microsoft:
        await microsoft.account(slug).sign_out()


async def _ask_to_sign_in(config: Config, slug: str) -> int:
    """Let the running service sign in and tell what it publishes on ``account/<a>/auth``."""
    told = SignIn()

    def ended(received: Received) -> bool:
        nonlocal told
        told, before = _read_sign_in(received.payload), told
        if told not in (before, SignIn()):
            _say_sign_in(slug, told)
        return told.state in _ENDED

    await _ask(config, "signin", slug, follow=_topics(config).account(slug, "auth"), until=ended)
    return OK if told.state is SignInState.SIGNED_IN else FAILED


async def _ask(
    config: Config,
    command: str,
    slug: str | None = None,
    *,
    follow: str | None = None,
    until: Callable[[Received], bool] = lambda _: True,
) -> Any:
    """Send one request to the running service and wait for its answer; returns the answer's data.

    With ``follow`` it then waits, as long as a code lives, for what ``until`` calls the last on
    that topic. What is stored there is old, unless it is a code that still waits.

    Raises:
        TryAgainError: No answer came.
        PersonMustActError: The service refused.
    """
    topics, transaction = _topics(config), f"cli-{os.getpid()}"
    answers: list[Mapping[str, Any]] = []
    code: list[Received] = []

    def is_last(received: Received) -> bool:
        if received.topic == follow:
            if answers and not received.retain:
                return until(received)
            code[:] = [received] if _is_code(received.payload) else []
            return False
        if not _answers(received.payload, transaction):
            return False
        answers.append(decode_json(received.payload))
        deadline.reschedule(None)
        return follow is None or answers[0].get("status") != "ok" or any(map(until, code))

    asked = {"account": slug} if slug else {}
    request = encode_json({**asked, "transaction": transaction})
    with suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_S) as deadline:
            await visit(
                config.mqtt,
                follow=[topic for topic in (topics.response(command), follow) if topic],
                publish=[Message(topics.request(command), request, retain=False)],
                until=is_last,
                within_s=CODE_LIFETIME_S,
            )
    if not answers:
        raise TryAgainError("the running service did not answer: is it connected to the broker?")
    if answers[0].get("status") != "ok":
        raise PersonMustActError(
            f"the running service refused: {answers[0].get('error')}.", remedy=""
        )
    return answers[0].get("data")


def _answers(payload: bytes, transaction: str) -> bool:
    try:
        return decode_json(payload).get("transaction") == transaction
    except ContractError:
        return False


def _is_code(payload: bytes) -> bool:
    return _read_sign_in(payload).state is SignInState.CODE_PENDING


def _say_sign_in(slug: str, sign_in: SignIn) -> None:
    if sign_in.state is SignInState.CODE_PENDING:
        _say(f"{slug}: open {sign_in.verification_uri} and enter the code {sign_in.user_code}")
    elif sign_in.state is SignInState.SIGNED_IN:
        _say(f"{slug} is signed in.")
    else:
        _say(f"{slug}: {' '.join(filter(None, (sign_in.message, sign_in.remedy)))}")


def _read_sign_in(payload: bytes) -> SignIn:
    fields = decode_json(payload)
    texts = {key: fields.get(key) for key in ("user_code", "verification_uri", "message", "remedy")}
    return SignIn(state=SignInState(fields.get("state", SignInState.SIGNED_OUT)), **texts)


def _row(topics: Topics, slug: str, stored: Mapping[str, bytes]) -> tuple[str, ...]:
    facts = decode_json(stored.get(topics.account(slug, "state"), b"{}"))
    sign_in = decode_json(stored.get(topics.account(slug, "auth"), b"{}"))
    fresh = stored.get(topics.account(slug, "availability")) == b"online"
    presence = f"{facts.get('availability') or 'unknown'}/{facts.get('activity') or 'unknown'}"
    return (
        slug,
        str(sign_in.get("state", "unknown")).replace("_", " "),
        presence if fresh else f"{presence} (stale)" if facts else "-",
        _clock_time(facts.get("changed_at")),
        _clock_time(facts.get("polled_at")),
    )


def _clock_time(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%a %H:%M:%S") if text else "-"


def _chosen(config: Config, account: str | None) -> str:
    if account is None and len(config.accounts) == 1:
        return next(iter(config.accounts))
    if account not in config.accounts:
        known = ", ".join(config.accounts) or "none; add [accounts.NAME] to the config"
        asked = "which account?" if account is None else f"there is no account {account!r};"
        raise ConfigError([f"accounts: {asked} known: {known}"])
    return account


def _topics(config: Config) -> Topics:
    return Topics(config.mqtt.base_topic, config.homeassistant.discovery_prefix)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - the command's answer
