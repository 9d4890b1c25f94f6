"""The commands about accounts: logout, reload, accounts. Never runs behind the service's back.

When the service runs, it does the work and is asked through the broker; otherwise the command does
it itself and holds the state folder meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from datetime import datetime

from bridge import state
from bridge.broker import visit
from bridge.config import Config
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PersonMustActError
from bridge.contract.topics import Topics
from bridge.contract.wire import decode_json
from bridge.microsoft import Microsoft
from bridge.service_request import ask, chosen, say, topics_of

OK = 0
LOOK_S = 2.0


def logout(config: Config, account: str) -> int:
    """Forget the sign-in of ``account``.

    Raises:
        ConfigError: There is no such account.
        PresenceBridgeError: Broker or state folder cannot be used.
    """
    slug = chosen(config, account)
    if state.in_use(config.state_dir):
        asyncio.run(ask(config, "signout", slug))
    else:
        with state.claimed(config.state_dir):
            asyncio.run(_sign_out(config, slug))
    say(f"{slug} is signed out.")
    return OK


def reload(config: Config) -> int:
    """Let the running service read the accounts of its config anew.

    Raises:
        PersonMustActError: The service refuses the config, or does not run.
        TryAgainError: No answer came.
    """
    if not state.in_use(config.state_dir):
        raise PersonMustActError("the service does not run.", remedy="Start it.")
    data = asyncio.run(ask(config, "reload")) or {}
    waiting = ", ".join(data.get("needs_restart", ()))
    say(f"Done.{f' Restart the service for: {waiting}.' if waiting else ''}")
    return OK


def table(config: Config) -> int:
    """Print a line an account, from what the broker has stored.

    Raises:
        PresenceBridgeError: The broker cannot be used.
    """
    topics = topics_of(config)
    leaves = ("state", "auth", "availability")
    followed = [topics.account("+", leaf) for leaf in leaves]
    followed += [*(topics.table(table, "auth") for table in config.accounts), topics.bridge_state]
    received = asyncio.run(
        visit(
            config.mqtt,
            follow=followed,
            until=lambda _: False,
            within_s=LOOK_S,
        )
    )
    stored = {message.topic: message.payload for message in received}
    if stored.get(topics.bridge_state) != b"online":
        say("The service is not running; this is what it left behind.")
    rows: list[tuple[str, ...]] = [("ACCOUNT", "SIGN-IN", "PRESENCE", "SINCE", "LAST GOOD POLL")]
    rows += [_row(topics, *pair, stored) for pair in _slugs(config, topics, stored)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return OK


async def _sign_out(config: Config, slug: str) -> None:
    async with Microsoft(config, SystemClock()) as microsoft:
        await microsoft.account(slug).sign_out()


def _slugs(
    config: Config, topics: Topics, stored: Mapping[str, bytes]
) -> Iterator[tuple[str, str]]:
    """Each table and its accounts; of one with several people those that the broker knows."""
    before, after = topics.account("+", "state").split("+")
    known = sorted(t.removeprefix(before).removesuffix(after) for t in stored if t.endswith(after))
    for table, settings in config.accounts.items():
        people = [slug for slug in known if slug.startswith(f"{table}_")]
        several = settings.people or settings.watch or settings.group
        for slug in (people or [table]) if several else [table]:
            yield table, slug


def _row(topics: Topics, table: str, slug: str, stored: Mapping[str, bytes]) -> tuple[str, ...]:
    facts = decode_json(stored.get(topics.account(slug, "state"), b"{}"))
    of_the_table = stored.get(topics.table(table, "auth"), b"{}")
    sign_in = decode_json(stored.get(topics.account(slug, "auth"), of_the_table))
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
