"""What the page's forms can make the service do."""

from __future__ import annotations

from typing import Protocol

from bridge.config.accounts import AccountSettings
from bridge.contract.account import Way


class Actions(Protocol):
    """The commands of the service that the page uses.

    Each may raise ``PresenceBridgeError``; its text is shown to the reader. Accounts are of the
    snapshot on the page, which may be a moment old; an account is a person or a table.
    """

    def poll(self, account: str | None) -> None:
        """Read one account, or all, now."""
        ...

    def sign_in(self, account: str, way: Way | None) -> None:
        """Begin a sign-in; its code or address comes with a later snapshot."""
        ...

    def finish_sign_in(self, account: str, address: str) -> None:
        """Take the pasted ``address``; ``PersonMustActError`` says what to paste instead."""
        ...

    def cancel_sign_in(self, account: str) -> None:
        """Take a waiting code or address back; a sign-in that works goes on."""
        ...

    async def sign_out(self, account: str) -> None:
        """Forget the sign-in of ``account``."""
        ...

    def add_person(self, account: str, settings: AccountSettings) -> None:
        """Follow somebody whom the config file does not name."""
        ...

    async def remove_person(self, account: str) -> None:
        """Forget somebody who was added on the page."""
        ...
