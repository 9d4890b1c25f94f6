"""Token caches: one private file an account, whole at every moment. Never logs what is inside."""

from __future__ import annotations

import logging
from pathlib import Path

import msal

from bridge.config import write_private

log = logging.getLogger(__name__)


class TokenCache:
    """The token cache of one account, kept in ``file``. Used from one worker at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.tokens = msal.SerializableTokenCache()

    def load(self) -> None:
        """Read the file; a broken one is set aside under another name with a line in the log."""
        self.tokens = msal.SerializableTokenCache()
        self._repair_modes()
        try:
            self.tokens.deserialize(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (ValueError, AttributeError, TypeError):
            aside = self._file.with_suffix(".broken")
            self._file.replace(aside)
            self.tokens = msal.SerializableTokenCache()
            log.warning("%s cannot be read: set aside as %s; sign in again", self._file, aside.name)

    def save(self) -> None:
        """Write the file when something changed: a power cut leaves the old or the new one."""
        if not self.tokens.has_state_changed:
            return
        write_private(self._file, self.tokens.serialize())

    def delete(self) -> None:
        """Forget everything."""
        self.tokens = msal.SerializableTokenCache()
        self._file.unlink(missing_ok=True)

    def _repair_modes(self) -> None:
        for path, mode in ((self._file.parent, 0o700), (self._file, 0o600)):
            if path.exists() and path.stat().st_mode & 0o077:
                path.chmod(mode)
                log.warning("%s was open to others: now only its owner may read it", path)
