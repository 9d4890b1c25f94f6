"""What a running service can be asked to do: by requests on the broker, by the page, by the shell.

``account`` is one account; where a sign-in is meant, it may also be a table that reads several.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from bridge.contract.account import Way
from bridge.contract.health import Health
from bridge.contract.light import LightCommand
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.contract.registration import Registration


class Commands(Protocol):
    """Any of them may raise ``PresenceBridgeError``, whose text and remedy are for people."""

    def poll(self, account: str | None = None) -> None:
        """Read one account, or all, now; an error says why nothing can be read."""

    def sign_in(self, account: str, way: Way | None = None) -> None:
        """Start a sign-in, by the account's own way if no other is given."""

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the ``address`` that a browser ended on; ``PersonMustActError`` for a wrong one."""

    async def keep_sign_in(self, account: str) -> None:
        """Keep somebody unexpected who has signed in."""

    def cancel_sign_in(self, account: str) -> None:
        """Withdraw a code or an address that waits for a person; who is signed in stays so."""

    async def sign_out(self, account: str) -> None:
        """Forget a sign-in."""

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None = None
    ) -> str | None:
        """Show ``account`` as ``presence``. Returns what a person must know about it, if any."""

    async def set_status_message(
        self, account: str, text: str, lasts: timedelta | None = None
    ) -> None:
        """Set the status message; an empty one removes it."""

    async def set_work_location(
        self, account: str, location: PreferredLocation, place_id: str | None = None
    ) -> None:
        """Set where ``account`` works today."""

    async def clear_presence(self, account: str) -> None:
        """Clear the preferred presence and the status message."""

    def preferred(self, account: str) -> Preferred:
        """What was set by ``set_presence``."""

    async def add_person(self, account: str, name: str, way: Way) -> None:
        """Follow somebody whom the config file does not name, and start to sign them in."""

    async def remove_person(self, account: str) -> None:
        """Sign out somebody who was added, and stop following them."""

    def registration(self, account: str) -> Registration | None:
        """The app registration that the sign-in of ``account`` uses, where there is one."""

    async def change_registration(self, account: str, wanted: Registration) -> None:
        """Use another app registration, also in the config file, and start the sign-in anew."""

    def command_light(self, light: str, command: LightCommand) -> None:
        """Send ``command`` to the driver of a light."""

    def reload(self) -> list[str]:
        """Read the config file again. Returns the changed tables that need a restart."""

    def restart(self) -> None:
        """Stop in order and start again."""

    def set_log_level(self, level: str) -> None:
        """Change the log level. Raises ``ValueError`` for an unknown one."""

    def log_level(self) -> str:
        """The log level in force."""

    def health(self) -> Health:
        """The state of the service now."""
