"""What the page can make the service do. Never does it itself."""

from __future__ import annotations

from typing import Protocol

from bridge.contract.account import Way


class Actions(Protocol):
    """The service behind the page.

    Each may raise ``PresenceBridgeError``; its text is shown to the reader. Accounts and lights are
    of the snapshot on the page, which may be a moment old; an account is a person or a table.
    """

    async def start_sign_in(self, account: str, way: Way) -> None:
        """Begin a sign-in; its code or address comes with a later snapshot."""
        ...

    async def cancel_sign_in(self, account: str) -> None:
        """Take a waiting code or address back; the sign-in that stands goes on."""
        ...

    async def finish_sign_in(self, account: str, address: str) -> None:
        """Take the ``address`` that the browser ended on, as it was pasted.

        Raises:
            PersonMustActError: It is not the one; the text says what to paste.
        """
        ...

    async def sign_out(self, account: str) -> None:
        """Forget the sign-in of ``account``."""
        ...

    async def poll(self) -> None:
        """Read everybody now."""
        ...

    async def follow_light(self, name: str) -> None:
        """Let a light show presence again instead of what a person chose."""
        ...

    async def add_person(self, account: str, name: str, way: Way) -> None:
        """Follow somebody new from now on, and begin to sign in."""
        ...

    async def remove_person(self, account: str) -> None:
        """Forget somebody who was added on the page."""
        ...
