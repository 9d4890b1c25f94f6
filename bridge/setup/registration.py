"""Puts another app registration into ``config.toml``; all else in it stays as a person wrote it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from bridge.config.atomic_file import write_in_place
from bridge.config.text_file import EncodingError, read_text
from bridge.config.toml_edits import OtherStyleError, with_values
from bridge.contract.errors import PersonMustActError
from bridge.contract.registration import Registration

log = logging.getLogger(__name__)


def write_registration(
    file: Path, wanted: Registration, *, account: str, own_keys: Collection[str]
) -> str:
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
