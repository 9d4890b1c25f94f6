"""One account table that is followed: what it depends on, how its people sign in. Pure."""

from __future__ import annotations

from typing import NamedTuple

from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.config import Config
from bridge.contract.account import Followed, Way
from bridge.microsoft import MicrosoftAccount
from bridge.polling import Poller

ALONE_MOST = 200
"""Of so many people of a table each says until when it is current; of more their table does."""
_UNDISTURBED = ("set_presence", "status_message", "homeassistant", "beat")
"""Keys of a table that do not decide who is read, or how."""


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
        several = _reads_several(self.table)
        is_large = several and len(self.source.accounts) > alone_most
        return {
            account: Followed(
                name,
                discover=self.table.homeassistant,
                settable=bool(self.source.writer),
                says=self.table.status_message,
                ways=_ways(self.table),
                table=slug if several else None,
                shares=is_large and not self.table.beat,
            )
            for account, name in self.source.accounts.items()
        }


def settings_of(config: Config, slug: str) -> tuple[object, ...]:
    """All that a table depends on; what else is in it changes while its people are read on."""
    own, plain = config.accounts[slug], AccountSettings()
    undisturbed = {key: getattr(plain, key) for key in _UNDISTURBED}
    several = _reads_several(own)
    near = [table for table in config.accounts if several and table.startswith(f"{slug}_")]
    return (
        own.model_copy(update=undisturbed),
        config.microsoft_of(slug),
        config.network,
        config.polling,
        config.time_zone,
        tuple(near),
    )


def _ways(table: AccountSettings) -> tuple[Way, ...]:
    """Both of them, the one of the config first; an app needs neither."""
    if table.sign_in == "app":
        return ()
    chosen = Way(table.sign_in)
    return (chosen, *(way for way in Way if way is not chosen))


def _reads_several(table: AccountSettings) -> bool:
    return bool(table.group or table.people or table.watch)
