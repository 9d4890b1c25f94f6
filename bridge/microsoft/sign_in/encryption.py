"""Encrypts what is stored on disk with AES-256-GCM and a key from a file. The key is never written.

The name of the file is authenticated too, so that one account's tokens cannot be put in another's
place. Source: NIST SP 800-38D (a fresh 96-bit nonce for every write).
"""

from __future__ import annotations

import base64
import json
import os
from hashlib import sha256
from pathlib import Path

from bridge.config.text_file import read_secret
from bridge.config.unreadable_file import unreadable
from bridge.contract.errors import ConfigError

CIPHER = "AES-256-GCM"
KEY_BYTES, NONCE_BYTES = 32, 12
HOW_TO_MAKE = "make one with: (umask 077; openssl rand -base64 32 > FILE)"


class OtherKeyError(Exception):
    """The text is encrypted with the key called ``key_id``, which is not the one at hand."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"encrypted with key {key_id}")
        self.key_id = key_id


class Seal:
    """One key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @property
    def key_id(self) -> str:
        """A name for the key that gives nothing of it away."""
        return sha256(b"presence-bridge key id" + self._key).hexdigest()[:8]

    def seal(self, text: str, name: str) -> str:
        """``text`` encrypted, for the file called ``name``."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - 8 MiB

        nonce = os.urandom(NONCE_BYTES)
        sealed = AESGCM(self._key).encrypt(nonce, text.encode(), name.encode())
        fields = {"encrypted": CIPHER, "key": self.key_id}
        return json.dumps(fields | {"nonce": _text(nonce), "text": _text(sealed)})

    def unseal(self, sealed: str, name: str) -> str:
        """What was sealed for ``name``.

        Raises:
            OtherKeyError: It was with another key.
            ValueError: Somebody or something changed it, or it was for another file.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        key_id = key_id_of(sealed)
        if key_id != self.key_id:
            raise OtherKeyError(str(key_id))
        try:
            fields = json.loads(sealed)
            nonce, data = (base64.b64decode(fields[key]) for key in ("nonce", "text"))
            return AESGCM(self._key).decrypt(nonce, data, name.encode()).decode()
        except (InvalidTag, KeyError, TypeError, ValueError) as error:
            raise ValueError("changed since it was encrypted") from error


def key_id_of(text: str) -> str | None:
    """The name of the key that ``text`` is encrypted with; ``None`` when it is not encrypted."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(fields, dict) or "encrypted" not in fields:
        return None
    return str(fields.get("key"))


def load_seal(key_file: Path | None) -> Seal | None:
    """The seal with the key in ``key_file``, if any; a ``ConfigError`` says how to make one."""
    if key_file is None:
        return None
    try:
        key = base64.b64decode(read_secret(key_file), validate=True)
    except OSError as error:
        why = unreadable(key_file, error, otherwise=HOW_TO_MAKE)
        raise ConfigError([f"security.key_file: {why}"]) from error
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(
            [f"security.key_file: {key_file}: holds no {KEY_BYTES} bytes in base64; {HOW_TO_MAKE}"]
        )
    return Seal(key)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
