"""Which accounts are followed: by the config in force, and who is in each of its tables."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import NamedTuple

from bridge.config import added_people
from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.contract.account import NEEDS_SIGN_IN, Followed, SignIn, SignInState, Way
from bridge.contract.errors import (
    ConfigError,
    PersonMustActError,
    PresenceBridgeError,
    TryAgainError,
)
from bridge.microsoft import MicrosoftAccount
from bridge.polling import Poller, Status

log = logging.getLogger(__name__)

ALONE_MOST = 200
"""Of so many people of a table each says until when it is current; of more their table does."""
_UNDISTURBED = ("set_presence", "status_message", "homeassistant", "beat")
"""Keys of a table that do not decide who is read, or how."""
NEEDS_RESTART = ("mqtt", "homeassistant", "network", "security", "state_dir", "web")
"""Tables that a reload cannot change."""


class FollowedAccounts:
    """The config in force; ``follow`` is called with each new one."""

    def __init__(
        self, config: Config, *, read: Callable[[], Config], follow: Callable[[Config], None]
    ) -> None:
        self.config = config
        self._read, self._follow = read, follow

    def reload(self) -> list[str]:
        """Follow the accounts that the config file names now.

        Returns the tables that changed and need a restart.

        Raises:
            ConfigError: The file is wrong; nothing has changed then.
        """
        before, config = self.config, self._read()
        self._use(config)
        waiting = [t for t in NEEDS_RESTART if getattr(before, t) != getattr(config, t)]
        level = logging.INFO if config.accounts else logging.WARNING
        log.log(level, "read the config again: follows %s", ", ".join(config.accounts) or "nobody")
        if waiting:
            log.warning("changed, but used only after a restart: %s", ", ".join(waiting))
        return waiting

    def add(self, account: str, settings: AccountSettings) -> None:
        """Follow somebody whom the config file does not name, from now on.

        Raises:
            PresenceBridgeError: There are too many, the disk refuses, or the config lacks what the
                sign-in needs; nothing has changed then.
        """
        file = self.config.state_dir / added_people.FILE
        added_people.add(file, account, settings)
        try:
            self._use(added_people.with_added(self.config))
        except ConfigError:
            added_people.remove(file, account)
            raise

    def remove(self, account: str) -> None:
        """Stop following somebody who was added. Raises ``PresenceBridgeError`` for the disk."""
        added_people.remove(self.config.state_dir / added_people.FILE, account)
        self._use(added_people.with_added(self.config))

    def _use(self, config: Config) -> None:
        before, self.config = self.config, config
        try:
            self._follow(config)
        except ConfigError:
            self.config = before
            raise


class FollowedTable(NamedTuple):
    """One account table that is followed, and with it one person or many."""

    settings: tuple[object, ...]
    """All of the config that it depends on."""
    table: AccountSettings
    """As it is now; what is in it and not in ``settings`` can change while it goes on."""
    source: MicrosoftAccount
    poller: Poller

    def people(self, slug: str, *, alone_most: int = ALONE_MOST) -> dict[str, Followed]:
        """Everybody of the table ``slug``, as they are announced."""
        several = self.table.reads_several
        is_large = several and len(self.source.accounts) > alone_most
        ways = sorted(Way, key=lambda way: way != self.table.sign_in)  # the chosen one first
        return {
            account: Followed(
                name,
                discover=self.table.homeassistant,
                settable=bool(self.source.writer),
                says=self.table.status_message,
                ways=() if self.table.sign_in == "app" else tuple(ways),
                table=slug if several else None,
                shares=is_large and not self.table.beat,
            )
            for account, name in self.source.accounts.items()
        }


def settings_of(config: Config, slug: str) -> tuple[object, ...]:
    """All that a table depends on; what else is in it changes while its people are read on."""
    own, plain = config.accounts[slug], AccountSettings()
    undisturbed = {key: getattr(plain, key) for key in _UNDISTURBED}
    others = config.accounts if own.reads_several else ()
    near = [table for table in others if table.startswith(f"{slug}_")]
    return (
        own.model_copy(update=undisturbed),
        config.microsoft_of(slug),
        config.network,
        config.polling,
        config.time_zone,
        tuple(near),
    )


def why_unread(
    tables: Sequence[tuple[Status, SignIn]], zone: tzinfo | None
) -> PresenceBridgeError | None:
    """Why none of ``tables`` can be read now, for who presses *Read now*; ``None`` when one can.

    Times are shown in ``zone``.
    """
    if not tables:
        return PersonMustActError("Nobody is followed.", remedy="Add a person first.")
    hindered = (SignInState.ERROR, *NEEDS_SIGN_IN)
    well = [now for now, sign_in in tables if not now.problem or sign_in.state not in hindered]
    waits = [now.throttled_until for now in well if now.throttled_until]
    if len(waits) < len(well):
        return None
    if waits:
        until = f"{min(waits).astimezone(zone):%H:%M}"
        return TryAgainError(
            f"Microsoft asked us to wait until {until}; reading goes on by itself then."
        )
    refusals = (sign_in for _, sign_in in tables if sign_in.state is SignInState.ERROR)
    if refused := next(refusals, None):
        text = refused.message or "Microsoft refuses the sign-in."
        return PersonMustActError(text, remedy=refused.remedy or "")
    name = tables[0][0].name
    who = f"{name} is not" if name and len(tables) == 1 else "Nobody is"
    return PersonMustActError(f"{who} signed in.", remedy="Sign in first.")
