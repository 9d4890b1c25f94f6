"""Which delegated permissions an account needs: no more than it uses. Pure.

Source: Microsoft Graph permissions reference, "Presence permissions"; "National clouds" of the
Microsoft identity platform, where scopes name the cloud's own Graph.
"""

from __future__ import annotations

from bridge.config.tables.accounts import AccountSettings
from bridge.microsoft.clouds import Cloud

READ, READ_ALL, WRITE, PROFILE, PROFILES = (
    "Presence.Read",
    "Presence.Read.All",
    "Presence.ReadWrite",
    "User.Read",
    "User.ReadBasic.All",
)
DEFAULT_ROOT = "https://graph.microsoft.com"
"""The Graph that a scope without an address means."""


def scopes_of(settings: AccountSettings, cloud: Cloud) -> list[str]:
    """The permissions for somebody who signs in, as the token endpoint of ``cloud`` reads them."""
    write = [WRITE] if settings.set_presence else []
    look_up = [PROFILES] if any("@" in who for who in settings.watch or ()) else []
    names = [READ_ALL if settings.watch else READ, *write, PROFILE, *look_up]
    if cloud.scope_root == DEFAULT_ROOT:
        return names
    return [f"{cloud.scope_root}/{name}" for name in names]
