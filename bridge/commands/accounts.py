"""The commands about accounts: logout, reload, accounts.

When the service runs, it does the work and is asked; otherwise the command does it itself and locks
the state folder meanwhile. What hinders it is a ``PresenceBridgeError`` that says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bridge.commands.account_states import Summary, from_broker, from_service
from bridge.commands.remote import ask
from bridge.commands.remote_by_socket import on_this_machine
from bridge.commands.terminal import chosen_account, say
from bridge.config import state_dir
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.config import Config
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError, PresenceBridgeError

NOBODY = "No service answers on this machine"
WHERE = "Start the service, or ask where it runs; this is what its state folder knows."
COLUMNS = ("ACCOUNT", "SIGN-IN", "PRESENCE", "SINCE", "LAST GOOD POLL", "SIGNED IN AS")


async def logout(config: Config, account: str) -> int:
    """Forget the sign-in of ``account``."""
    slug = chosen_account(config, account)
    if state_dir.in_use(config.state_dir):
        await ask(config, "signout", account=slug)
    else:
        from bridge.microsoft import Microsoft  # noqa: PLC0415 - slow to load, and the table is quick

        with state_dir.locked(config.state_dir):
            async with Microsoft(config, SystemClock()) as microsoft:
                await microsoft.account(slug).credentials.sign_out()
    say(f"{slug} is signed out.")
    return OK


async def reload(config: Config) -> int:
    """Have the running service read the accounts of its config again."""
    if not state_dir.in_use(config.state_dir):
        raise PersonMustActError("the service does not run.", remedy="Start it.")
    data = await ask(config, "reload") or {}
    waiting = ", ".join(data.get("needs_restart", ()))
    say(f"Done.{f' Restart the service for: {waiting}.' if waiting else ''}")
    return OK


async def table(config: Config) -> int:
    """Print a line for each account; 1 when no service was there to say what is true now."""
    found, fault = await _summaries(config)
    if fault:
        say(fault)
    rows: list[tuple[str, ...]] = [COLUMNS]
    rows += [_row(slug, found.get(slug, Summary())) for slug in _slugs(config, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for account, slugs in _shared(found).items():
        say(f"{account} is signed in for {' and '.join(slugs)}: is that meant?")
    return FAILED if fault else OK


async def _summaries(config: Config) -> tuple[dict[str, Summary], str | None]:
    async with on_this_machine(config) as service:
        standby = (await service.broker()).get("standby") if service else None
        if standby:
            say(f"{standby[:1].upper()}{standby[1:]}. This is what the broker has stored.")
        elif service:
            return from_service(await service.people()), None
    try:
        found, fault = await from_broker(config)
    except PresenceBridgeError as error:
        found, fault = {}, f"{NOBODY}, and {str(error).rstrip('.')}. {WHERE}"
    if fault:
        from bridge.commands.remembered import remembered  # noqa: PLC0415 - few ask nobody

        found = {**remembered(config), **found}
    return found, fault


def _slugs(config: Config, found: Iterable[str]) -> Iterator[str]:
    """Each table, or of one with several people those that are known."""
    for table, settings in config.accounts.items():
        people = sorted(slug for slug in found if slug.startswith(f"{table}_"))
        yield from (settings.reads_several and people) or [table]


def _shared(found: Mapping[str, Summary]) -> dict[str, list[str]]:
    """The Microsoft accounts that are signed in for several accounts that follow themselves."""
    slugs: dict[str, list[str]] = {}
    for slug, each in found.items():
        if each.is_shared and each.signed_in_as:
            slugs.setdefault(each.signed_in_as, []).append(slug)
    return slugs


def _row(slug: str, found: Summary) -> tuple[str, ...]:
    presence = "/".join(filter(None, (found.availability, found.activity))) or "unknown"
    shown = presence if found.fresh else f"{presence} (stale)" if found.polled_at else "-"
    sign_in = found.sign_in.replace("_", " ")
    times = _clock_time(found.changed_at), _clock_time(found.polled_at)
    return slug, sign_in, shown, *times, found.signed_in_as or "-"


def _clock_time(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone().strftime("%a %H:%M:%S") if text else "-"
