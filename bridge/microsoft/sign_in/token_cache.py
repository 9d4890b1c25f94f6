"""Token caches: one private file an account, whole at every moment."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.config.atomic_file import write_private
from bridge.config.tables.config import Config
from bridge.config.unreadable_file import chown_command, owner_of, this_user
from bridge.microsoft.sign_in.cache_entries import ACCOUNT, Entries, sound
from bridge.microsoft.sign_in.encryption import OtherKeyError, Seal, key_id_of
from bridge.microsoft.sign_in.identity import Identity, identity_of
from bridge.microsoft.sign_in.msal_library import library

if TYPE_CHECKING:
    from msal import SerializableTokenCache

log = logging.getLogger(__name__)

DAMAGED = "damaged"


class TokenCache:
    """The token cache of one account, stored in ``file``. Used from one worker at a time.

    With ``seal`` it is encrypted; one that is not yet becomes so when it is written next. What was
    read is given to msal, which is slow to import, when it is needed.
    """

    def __init__(
        self,
        file: Path,
        seal: Seal | None = None,
        *,
        write: Callable[[Path, str], None] = write_private,
    ) -> None:
        self.file, self._seal, self._write = file, seal, write
        self._lost = self._locked = self._warned = False
        self.entries: Entries = {}
        """As they were read or written last."""
        self._tokens: SerializableTokenCache | None = None

    @property
    def tokens(self) -> SerializableTokenCache:
        """The entries as msal has them, which changes them; ``save`` takes that over."""
        if self._tokens is None:
            self._tokens = library().SerializableTokenCache()
            self._tokens.deserialize(json.dumps(self.entries))
        return self._tokens

    @property
    def is_stored(self) -> bool:
        """Whether there is a file, as far as can be seen."""
        try:
            self.file.stat()
        except OSError as error:
            return not isinstance(error, FileNotFoundError | NotADirectoryError)
        return True

    @property
    def has_account(self) -> bool:
        """Whether somebody has signed in."""
        return bool(self.entries.get(ACCOUNT))

    def has_any_of(self, client_id: str) -> bool:
        """Whether anything in it is of this app: else it is from before the config changed."""
        every = (entry for kind in self.entries.values() for entry in kind.values())
        return any(entry.get("client_id") == client_id for entry in every)

    def somebody(self) -> bool:
        """As ``has_account``, with a look at the file. Raises as ``load``."""
        if not self.has_account:
            self.load()
        return self.has_account

    def who(self) -> Identity | None:
        """Whom it belongs to, if anybody. Raises as ``load``."""
        if not self.somebody():
            return None
        return identity_of(next(iter(self.entries[ACCOUNT].values())))

    def load(self) -> None:
        """Read the file; a broken one is set aside under another name with a line in the log.

        Raises:
            OtherKeyError: It is encrypted, and not with our key. It stays as it is.
            OSError: The disk refuses.
        """
        self.entries, self._tokens = {}, None
        self._repair_modes()
        try:
            self.entries, damaged = sound(self._unsealed(self.file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except OtherKeyError:
            self._locked = True
            raise
        except (ValueError, RecursionError):
            self._set_aside()
        else:
            if damaged:
                log.warning("%s: damaged entries are left out: %d", self.file, damaged)

    def save(self) -> None:
        """Write the file when something changed: a power cut leaves the old or the new one.

        A disk that refuses costs the next start its sign-in and nothing else: it is tried again.
        """
        if not (self.tokens.has_state_changed or self._lost):
            return
        text = self.tokens.serialize()
        self.entries = json.loads(text)
        try:
            if self._locked:
                self.file.replace(self.file.with_suffix(".other-key"))
                self._locked = False
            self._write(self.file, self._seal.seal(text, self.file.name) if self._seal else text)
        except OSError as error:
            if not self._lost:
                log.error("%s cannot be written: %s", self.file, error.strerror)  # noqa: TRY400 - a full disk is no bug
            self._lost = True
        else:
            if self._lost:
                log.info("%s is written again", self.file)
            self._lost = False

    def replace(self, tokens: SerializableTokenCache) -> None:
        """Store ``tokens`` instead."""
        self._tokens = tokens
        self.save()

    def delete(self) -> None:
        """Forget everything, or nothing when the disk refuses (``OSError``)."""
        self.file.unlink(missing_ok=True)
        self.entries, self._tokens = {}, None
        self._lost = self._locked = False

    def _set_aside(self) -> None:
        aside = self.file.with_suffix(".broken")
        try:
            self.file.replace(aside)
        except OSError as error:
            if not self._warned:
                log.warning("%s is damaged: %s; sign in again", self.file, error.strerror)
            self._warned = True
        else:
            log.warning("%s cannot be read: set aside as %s; sign in again", self.file, aside.name)

    def _unsealed(self, text: str) -> str:
        key_id = key_id_of(text)
        if key_id is None:
            return text
        if self._seal is None:
            raise OtherKeyError(key_id)
        return self._seal.unseal(text, self.file.name)

    def _repair_modes(self) -> None:
        for path, mode in ((self.file.parent, 0o700), (self.file, 0o600)):
            if not path.exists() or not path.stat().st_mode & 0o077:
                continue
            try:
                path.chmod(mode)
            except OSError as error:
                self._warn_open(path, error)
            else:
                log.warning("%s was open to others: now only its owner can read it", path)

    def _warn_open(self, path: Path, error: OSError) -> None:
        """Once: it is used as it is."""
        if self._warned:
            return
        self._warned = True
        owner = owner_of(path)
        cure = chown_command(path) if owner != this_user() else error.strerror
        log.warning("%s is open to others and belongs to %s: %s", path, owner, cure)


def token_file(config: Config, slug: str) -> Path:
    """Where the tokens of ``[accounts.slug]`` are stored."""
    return config.state_dir / "tokens" / f"{slug}.json"


def how_stored(file: Path) -> str | None:
    """How tokens are stored in ``file``, as words after "is"; ``None`` where there is none."""
    try:
        key_id = key_id_of(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError:
        return DAMAGED
    return f"encrypted with key {key_id}" if key_id else "not encrypted"
