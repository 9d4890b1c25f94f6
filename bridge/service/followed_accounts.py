"""Whom the service follows, and what changes that while it runs: the config file and the page.

Never starts or stops anything itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.config.accounts import AccountSettings
from bridge.config.added_people import AddedPeople, with_added
from bridge.config.models import Config
from bridge.contract.errors import ConfigError, PersonMustActError

log = logging.getLogger(__name__)

NEEDS_RESTART = ("mqtt", "homeassistant", "network", "security", "state_dir", "web")
"""Tables that a reload cannot change."""


class Following:
    """The config in force; ``seat`` makes the accounts of another one those that are followed."""

    def __init__(
        self, config: Config, *, read: Callable[[], Config], seat: Callable[[Config], None]
    ) -> None:
        self.config = config
        self._read, self._seat = read, seat

    def reload(self) -> list[str]:
        """Follow the accounts that the config file names now.

        Returns the tables that changed and need a restart.

        Raises:
            ConfigError: The file is wrong; nothing has changed then.
        """
        before, config = self.config, self._read()
        self._follow(config)
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
            self._follow(with_added(self.config))
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
        """Follow somebody who was added no more. Raises ``PresenceBridgeError`` for the disk."""
        AddedPeople.of(self.config).remove(account)
        self._follow(with_added(self.config))

    def _follow(self, config: Config) -> None:
        before, self.config = self.config, config
        try:
            self._seat(config)
        except ConfigError:
            self.config = before
            raise
