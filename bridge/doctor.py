"""``presence-bridge doctor``: what is wrong, and what to do about each finding. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge import state
from bridge.broker import visit
from bridge.config import Config, load
from bridge.contract.account import SignInState
from bridge.contract.clock import SystemClock
from bridge.contract.errors import (
    ConfigError,
    ContractError,
    PersonMustActError,
    PresenceBridgeError,
    SignInNeededError,
)
from bridge.contract.topics import Topics
from bridge.contract.wire import decode_json
from bridge.microsoft import Microsoft
from bridge.microsoft.cache import kept_in, token_file

OK, FOUND = 0, 1
SKEW_S = 120.0
"""More than this between our clock and Microsoft's breaks tokens and certificates."""
LOOK_S = 2.0
CLOCK = "clock:"
"""A wrong one does not keep us from asking on."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    good: bool
    text: str
    remedy: str = ""


def examine(path: Path, environ: Mapping[str, str]) -> int:
    """Print every finding; 0 when all is well, 1 when anything is not."""
    try:
        config = load(path, environ)
    except ConfigError as error:
        for problem in error.problems:
            _print(Finding(good=False, text=f"config: {problem}"))
        return FOUND
    return asyncio.run(_examine(config, path))


async def _examine(config: Config, path: Path) -> int:
    all_good = True
    _print(Finding(good=True, text=f"config: {path}"))
    async for finding in _findings(config):
        _print(finding)
        all_good &= finding.good
    return OK if all_good else FOUND


async def _findings(config: Config) -> AsyncIterator[Finding]:
    yield await _broker(config)
    if not config.accounts:
        yield Finding(
            good=False, text="accounts: nobody to follow", remedy="Add a table [accounts.NAME]."
        )
        return
    async with Microsoft(config, SystemClock()) as microsoft:
        for slug in config.accounts:
            try:
                reached = True
                async for finding in _tenant(microsoft, slug):
                    reached &= finding.good or finding.text.startswith(CLOCK)
                    yield finding
                for finding in _stored(config, slug):
                    yield finding
                if state.in_use(config.state_dir):
                    yield await _running_account(config, slug)
                elif reached:
                    yield await _account(microsoft, slug)
            except ConfigError as error:
                yield Finding(good=False, text=f"{slug}: {'; '.join(error.problems)}")


async def _broker(config: Config) -> Finding:
    try:
        await visit(
            config.mqtt,
            follow=[Topics(config.mqtt.base_topic).bridge_state],
            within_s=LOOK_S,
        )
    except PresenceBridgeError as error:
        return Finding(good=False, text=f"broker: {error}", remedy="See [mqtt] in the config.")
    who = config.mqtt.username or "anonymous"
    return Finding(good=True, text=f"broker: {config.mqtt.address} lets {who} in")


async def _tenant(microsoft: Microsoft, slug: str) -> AsyncIterator[Finding]:
    try:
        tenant = await microsoft.tenant_of(slug)
    except ConfigError:
        raise
    except PersonMustActError as error:
        yield Finding(good=False, text=f"{slug}: tenant: {error}")
        return
    except PresenceBridgeError as error:
        yield Finding(
            good=False, text=f"{slug}: tenant: {error}", remedy="Check network, proxy and DNS."
        )
        return
    yield Finding(good=True, text=f"{slug}: tenant {tenant.tenant_id}")
    if tenant.seen_at:
        skew_s = (datetime.now(UTC) - tenant.seen_at).total_seconds()
        if abs(skew_s) > SKEW_S:
            yield Finding(
                good=False,
                text=f"{CLOCK} {abs(skew_s):.0f} s {'ahead' if skew_s > 0 else 'behind'}",
                remedy="Set the time: timedatectl set-ntp true.",
            )
        else:
            yield Finding(good=True, text=f"{CLOCK} agrees with Microsoft's")


async def _account(microsoft: Microsoft, slug: str) -> Finding:
    try:
        presences = await microsoft.account(slug).read_once()
    except PersonMustActError as error:
        told = str(error).removesuffix(error.remedy).strip()
        return Finding(good=False, text=f"{slug}: {told}", remedy=_cure(error, slug))
    except PresenceBridgeError as error:
        return Finding(good=False, text=f"{slug}: {error}")
    if presence := presences.get(slug):
        return Finding(good=True, text=f"{slug}: signed in; Graph says {presence.availability}")
    return Finding(good=True, text=f"{slug}: signed in; Graph tells of {len(presences)} people")


def _cure(error: PersonMustActError, slug: str) -> str:
    """The remedy, with the command where signing in is part of it."""
    command = f"presence-bridge login {slug}"
    if error.remedy == "Sign in.":
        return command
    says_how = "presence-bridge" in error.remedy or "sign in" not in error.remedy.lower()
    if says_how or not isinstance(error, SignInNeededError):
        return error.remedy
    return f"{error.remedy[:-1]} ({command})."


def _stored(config: Config, slug: str) -> Iterator[Finding]:
    """How the stored sign-in is kept, when there is one."""
    kept = kept_in(token_file(config, slug))
    if kept is None:
        return
    private = "; only this user may read it" if kept == "not encrypted" else ""
    yield Finding(good=True, text=f"{slug}: the stored sign-in is {kept}{private}")


async def _running_account(config: Config, slug: str) -> Finding:
    """Ask the broker: a second reader of the token cache would disturb the running service."""
    topic = Topics(config.mqtt.base_topic).account(slug, "auth")
    try:
        received = await visit(config.mqtt, follow=[topic], within_s=LOOK_S)
        auth = decode_json(received[-1].payload) if received else {}
    except (ContractError, PresenceBridgeError) as error:
        return Finding(good=False, text=f"{slug}: the running service cannot be asked: {error}")
    if auth.get("state") == SignInState.SIGNED_IN:
        return Finding(good=True, text=f"{slug}: the running service is signed in")
    told = " ".join(str(auth[key]) for key in ("message", "remedy") if auth.get(key))
    return Finding(
        good=False,
        text=f"{slug}: {str(auth.get('state', 'not known yet')).replace('_', ' ')}. {told}".strip(),
        remedy=f"presence-bridge login {slug}",
    )


def _print(finding: Finding) -> None:
    mark = "ok " if finding.good else "BAD"
    print(f"{mark}  {finding.text}")  # noqa: T201 - the command's answer
    if finding.remedy:
        print(f"     -> {finding.remedy}")  # noqa: T201 - the command's answer
