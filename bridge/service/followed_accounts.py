"""Which accounts are followed while the service runs: by the config file, and added on the page."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.config.added_people import AddedPeople, with_added
from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.contract.errors import ConfigError, PersonMustActError

log = logging.getLogger(__name__)

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
        people = AddedPeople.of(self.config)
        people.add(account, settings)
        try:
            self._use(with_added(self.config))
        except ConfigError:
            people.remove(account)
            raise

    def check_added(self, account: str) -> None:
        """Raise ``PersonMustActError`` for somebody who was not added on the page."""
        if account not in self.config.added:
            raise PersonMustActError(
                f"{account} was not added here.", remedy="Take it out of the config file."
            )

    def remove(self, account: str) -> None:
        """Stop following somebody who was added. Raises ``PresenceBridgeError`` for the disk."""
        AddedPeople.of(self.config).remove(account)
        self._use(with_added(self.config))

    def _use(self, config: Config) -> None:
        before, self.config = self.config, config
        try:
            self._follow(config)
        except ConfigError:
            self.config = before
            raise
