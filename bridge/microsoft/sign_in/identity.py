"""Whose Microsoft account a sign-in belongs to, as the id token says. Pure.

Sources: Microsoft identity platform, "ID token claims reference": ``oid`` names a person for good,
``preferred_username`` is what people know them by and may change; msal's unified schema, whose
account entries keep both, also in a cache that an older release wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bridge.microsoft.texts import text_in

ADDRESS_MOST = 200
"""Bytes that are shown of an address or a name."""


class Identity(NamedTuple):
    """One person at Microsoft."""

    home_id: str
    """The same in every tenant and for good; for comparing, never shown."""
    oid: str | None = None
    """Who it is in the tenant that they signed in to."""
    address: str | None = None
    name: str | None = None
    """Only there when they have just signed in."""

    @property
    def shown(self) -> str:
        """For people."""
        if self.name and self.address:
            return f"{self.name} ({self.address})"
        return self.address or self.name or "somebody whose name Microsoft keeps back"

    def is_called(self, who: str) -> bool:
        """Whether ``who``, an address or a GUID in lower case, means this person."""
        return who in ((self.address or "").lower(), (self.oid or "").lower())


def identity_of(account: Mapping[str, Any], claims: object = None) -> Identity:
    """Who an account entry of msal's cache is about; ``claims`` of the id token add the name."""
    return Identity(
        str(account["home_account_id"]),
        oid=text_in(account, "local_account_id"),
        address=text_in(account, "username", ADDRESS_MOST),
        name=text_in(claims, "name", ADDRESS_MOST) if isinstance(claims, Mapping) else None,
    )
