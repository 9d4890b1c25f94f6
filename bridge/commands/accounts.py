"""The commands about accounts: logout, reload, accounts. Never runs behind the service's back.

When the service runs, it does the work and is asked; otherwise the command does it itself and holds
the state folder meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bridge import state_dir
from bridge.commands.account_states import NOTHING, Known, stored, told
from bridge.commands.remote import ask
from bridge.commands.remote_answers import chosen, say
from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.models import Config
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError
from bridge.microsoft import Microsoft

OK, FAILED = 0, 1


def logout(config: Config, account: str) -> int:
    """Forget the sign-in of ``account``.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = chosen(config, account)
    if state_dir.in_use(config.state_dir):
        asyncio.run(ask(config, "signout", slug))
    else:
        with state_dir.claimed(config.state_dir):
            asyncio.run(_sign_out(config, slug))
    say(f"{slug} is signed out.")
    return OK


def reload(config: Config) -> int:
    """Let the running service read the accounts of its config anew.

    Raises:
        PersonMustActError: The service refuses the config, or does not run.
        TryAgainError: No answer came.
    """
    if not state_dir.in_use(config.state_dir):
        raise PersonMustActError("the service does not run.", remedy="Start it.")
    data = asyncio.run(ask(config, "reload")) or {}
    waiting = ", ".join(data.get("needs_restart", ()))
    say(f"Done.{f' Restart the service for: {waiting}.' if waiting else ''}")
    return OK


def table(config: Config) -> int:
    """Print a line an account, from what the service tells, else from what the broker has stored.

    Raises:
        PresenceBridgeError: Neither can be asked.
    """
    known, fault = asyncio.run(_known(config))
    if fault:
        say(fault)
    rows: list[tuple[str, ...]] = [("ACCOUNT", "SIGN-IN", "PRESENCE", "SINCE", "LAST GOOD POLL")]
    rows += [_row(slug, known.get(slug, NOTHING)) for slug in _slugs(config, known)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return FAILED if fault else OK


async def _known(config: Config) -> tuple[Mapping[str, Known], str | None]:
    """What is known of each account, and what is wrong with asking."""
    async with on_this_machine(config) as service:
        if service:
            return told(await service.people()), None
    return await stored(config)


async def _sign_out(config: Config, slug: str) -> None:
    async with Microsoft(config, SystemClock()) as microsoft:
        await microsoft.account(slug).sign_out()


def _slugs(config: Config, known: Iterable[str]) -> Iterator[str]:
    """Each table, or of one with several people those that are known."""
    for table, settings in config.accounts.items():
        several = settings.people or settings.watch or settings.group
        people = sorted(slug for slug in known if slug.startswith(f"{table}_")) if several else []
        yield from people or [table]


def _row(slug: str, known: Known) -> tuple[str, ...]:
    presence = f"{known.availability or 'unknown'}/{known.activity or 'unknown'}"
    shown = presence if known.fresh else f"{presence} (stale)" if known.polled_at else "-"
    return (
        slug,
        known.sign_in.replace("_", " "),
        shown,
        _clock_time(known.changed_at),
        _clock_time(known.polled_at),
    )


def _clock_time(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%a %H:%M:%S") if text else "-"
