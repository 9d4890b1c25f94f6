"""Changes the app registration of an account while the service runs: tried, written, reloaded."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from bridge.config.atomic_file import write_in_place
from bridge.config.tables.config import Config
from bridge.config.text_file import EncodingError, read_text
from bridge.config.toml_edits import OtherStyleError, with_values
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.registration import Registration

log = logging.getLogger(__name__)


def registration_of(config: Config, account: str) -> Registration | None:
    """The one that the table ``account`` uses, where the config names both values."""
    settings = config.microsoft_of(account)
    if settings.tenant and settings.client_id:
        return Registration(settings.tenant, settings.client_id)
    return None


async def change_registration(
    file: Path,
    account: str,
    wanted: Registration,
    *,
    config: Config,
    read: Callable[[], Config],
    reload: Callable[[], object],
) -> None:
    """Let the table ``account`` of ``config`` use ``wanted``, from now on and in ``file``.

    ``read`` reads the file anew; where it does not say what was written, nothing has changed.

    Raises:
        MistakeError: Microsoft does not know ``wanted``.
        PersonMustActError: The file cannot be written, or does not decide.
        TryAgainError: Microsoft cannot be reached.
    """
    from bridge.service.trials import check_registration  # noqa: PLC0415 - only a page asks for it

    await check_registration(wanted, config.microsoft_of(account), config.network)
    own = config.accounts[account]
    own_keys = [key for key in wanted.keys if getattr(own, key) is not None]
    before = _write(file, wanted, account=account, own_keys=own_keys)
    try:
        _check_it_counts(registration_of(read(), account), wanted, file)
        reload()
    except (ConfigError, PersonMustActError):
        with suppress(OSError):
            write_in_place(file, before)
        raise


def _write(file: Path, wanted: Registration, *, account: str, own_keys: Collection[str]) -> str:
    """Write ``wanted``; returns what the file was before.

    It goes into ``[microsoft]``; of ``account``, whose table has ``own_keys``, those go there.
    In place and not by a new file: in a container only this one file may be written.

    Raises:
        PersonMustActError: The file cannot be written, or not by us; the remedy has the lines.
    """
    values = wanted.keys
    try:
        before = after = read_text(file)
        for table, ours in (("microsoft", False), (f"accounts.{account}", True)):
            some = {key: value for key, value in values.items() if (key in own_keys) is ours}
            if some:
                after = with_values(after, table, some)
        if after != before:
            write_in_place(file, after)
    except (OSError, EncodingError, OtherStyleError) as error:
        log.warning("cannot put the app registration into %s: %r", file, error)
        lines = ", ".join(f'{key} = "{value}"' for key, value in values.items())
        raise PersonMustActError(
            f"{file} cannot be changed from here.",
            remedy=f"Write into it yourself: {lines}. Then run: presence-bridge reload.",
        ) from error
    return before


def _check_it_counts(found: Registration | None, wanted: Registration, file: Path) -> None:
    if found != wanted:
        raise PersonMustActError(
            f"{file} does not decide about the app registration.",
            remedy="Change PRESENCE_MICROSOFT__TENANT and PRESENCE_MICROSOFT__CLIENT_ID, which "
            "count first, and restart.",
        )
