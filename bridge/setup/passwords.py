"""A random secret for each user of the broker, and its hash for Mosquitto. Keeps what exists."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from bridge.config.atomic_file import is_there, make_folder, write_new, write_public
from bridge.config.text_file import read_secret
from bridge.setup.owners import PAGE

ITERATIONS = 101
"""As mosquitto_passwd takes by default; the passwords are long and random."""

HASH_BYTES = 64
"""Of SHA-512."""

Randomness = Callable[[int], bytes]


def make_passwords(
    secrets: Path, hashes: Path, users: Iterable[str], random: Randomness
) -> list[str]:
    """Make what is missing; lines for the person.

    A hash without its secret was made by a person: there is no secret that fits it.
    """
    secrets.mkdir(mode=0o700, exist_ok=True)
    make_folder(hashes.parent)
    before = hashes.read_text(encoding="utf-8") if hashes.exists() else ""
    whole = [line for line in before.splitlines() if _is_whole(line)]
    known = users_in(hashes)
    files = {user: secrets / f"mqtt_{user}" for user in users}
    lines = [
        f"kept  {hashes}: {user} has a password there that is not in {file}"
        if user in known and not is_there(file)
        else write_new(file, password(random(24)), mode=0o600)
        for user, file in files.items()
    ]
    lines.append(write_new(secrets / PAGE, password(random(24)), mode=0o600))
    whole += [
        f"{user}:{hashed(read_secret(file), random(12))}"
        for user, file in files.items()
        if user not in known
    ]
    after = "".join(f"{line}\n" for line in whole)
    if after != before:
        write_public(hashes, after, mode=0o600)
    lines.append(f"{'kept' if after == before else 'made'}  {hashes}")
    return lines


def users_in(hashes: Path) -> set[str]:
    """Who has a password at the broker."""
    text = hashes.read_text(encoding="utf-8") if hashes.exists() else ""
    return {line.partition(":")[0] for line in text.splitlines() if _is_whole(line)}


def _is_whole(line: str) -> bool:
    """Whether Mosquitto can read ``line``: a full disk may have cut off the end of one."""
    user, _, stored = line.partition(":")
    if not stored.startswith("$7$"):
        return not line or line.startswith("#") or bool(user and stored)
    try:
        _, _, _, _, digest = stored.split("$")
        return len(base64.b64decode(digest, validate=True)) == HASH_BYTES
    except (ValueError, binascii.Error):
        return False


def password(random: bytes) -> str:
    """A password that is easy to copy."""
    return base64.urlsafe_b64encode(random).decode().rstrip("=")


def hashed(password_text: str, salt: bytes) -> str:
    """A password as Mosquitto stores it: PBKDF2 with SHA-512 (``$7$``, mosquitto_passwd(1))."""
    digest = hashlib.pbkdf2_hmac("sha512", password_text.encode(), salt, ITERATIONS)
    parts = (base64.b64encode(salt).decode(), base64.b64encode(digest).decode())
    return f"$7${ITERATIONS}${parts[0]}${parts[1]}"
