"""What publishing needs of the service that it publishes for. Never how the service does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from bridge.contract.account import Way
from bridge.contract.health import Health
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence


class Service(Protocol):
    """What requests, and what stands on the broker, can make the service do.

    ``account`` is also a table that reads several people where a sign-in is meant.
    """

    def poll(self, account: str | None) -> None:
        """Read one account, or all, now."""
        ...

    def sign_in(self, account: str, way: Way | None) -> None:
        """Start a sign-in, by the account's own way if no other is given."""
        ...

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the address that a browser ended on.

        Raises ``PersonMustActError`` when it is not the one that is waited for.
        """
        ...

    def cancel_sign_in(self, account: str) -> None:
        """Take a code or an address back that waits for a person."""
        ...

    async def sign_out(self, account: str) -> None:
        """Forget a sign-in."""
        ...

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None
    ) -> str | None:
        """Be shown as ``presence``; what a person must know.

        Raises ``PresenceBridgeError`` when it is not allowed or Microsoft refuses, as do the next.
        """
        ...

    async def set_status_message(self, account: str, text: str, lasts: timedelta | None) -> None:
        """Set the status message, or remove it with an empty one."""
        ...

    async def set_work_location(
        self, account: str, location: PreferredLocation, place_id: str | None
    ) -> None:
        """Say where ``account`` works today."""
        ...

    async def clear_presence(self, account: str) -> None:
        """Prefer nothing and say nothing."""
        ...

    def preferred(self, account: str) -> Preferred:
        """What was set from here."""
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

    def raise_epoch(self, seen: int) -> None:
        """Make the epoch of all facts greater than ``seen``, which is on the broker."""
        ...


class Rediscovery(Protocol):
    """Sends all discovery again."""

    def rediscover(self) -> None:
        """Soon, once."""
        ...
