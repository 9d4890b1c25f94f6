"""The people who were added on the page, in a small file in ``state_dir``.

The config file is the master: an account that it names as well is the config's.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError

from bridge.config.atomic_file import write_private
from bridge.config.tables.accounts import AccountSettings
from bridge.config.tables.base import Slug
from bridge.config.tables.config import Config
from bridge.contract.errors import PersonMustActError, TryAgainError

log = logging.getLogger(__name__)

FILE = "people.json"
SLUG_LIMIT = 40
MOST = 200
"""People who can be added on the page; more belong into the config."""
_FILE = TypeAdapter(dict[Slug, AccountSettings], config=ConfigDict(defer_build=True))


def with_added(config: Config) -> Config:
    """``config`` with the people who were added on the page; whom the file names, it keeps."""
    named = {slug: own for slug, own in config.accounts.items() if slug not in config.added}
    people = read_added(config.state_dir / FILE)
    added = {slug: own for slug, own in people.items() if slug not in named}
    return config.with_added(named, added)


def slug_of(name: str, taken: Collection[str]) -> str:
    """A short name for topics from a person's ``name``, with a number where it is ``taken``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[: SLUG_LIMIT - 4] or "person"
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base}_{number}", number + 1
    return slug


def read_added(file: Path) -> dict[str, AccountSettings]:
    """All of them by slug; a file that cannot be read is logged and counts as empty."""
    try:
        return _FILE.validate_json(file.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        log.warning("%s cannot be read: %s", file, type(error).__name__)
        return {}


def add(file: Path, account: str, settings: AccountSettings) -> None:
    """Add ``account``; ``PersonMustActError`` where there are too many. Raises as ``_write``."""
    people = read_added(file)
    if len(people) >= MOST:
        raise PersonMustActError(
            f"there are {MOST} people already.", remedy="Put them into the config file."
        )
    _write(file, {**people, account: settings})


def remove(file: Path, account: str) -> None:
    """Remove ``account``. Raises as ``_write``."""
    people = read_added(file)
    _write(file, {slug: settings for slug, settings in people.items() if slug != account})


def _write(file: Path, people: dict[str, AccountSettings]) -> None:
    """It is on the disk afterwards; ``TryAgainError`` where that refuses."""
    text = _FILE.dump_json(people, exclude_defaults=True, indent=1).decode()
    try:
        write_private(file, text)
    except OSError as error:
        raise TryAgainError(f"{file}: {error.strerror}") from error
