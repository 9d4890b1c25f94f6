"""``.env`` beside the compose file: who runs in the containers, and the time zone.

Keeps what a person wrote there; the environment counts before it, as for docker compose.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bridge.config.atomic_file import write_public
from bridge.config.text_file import EncodingError, read_text
from bridge.contract.errors import ContractError
from bridge.setup.owners import BRIDGE, BROKER, User, Users

UID, GID, ZONE = "PRESENCE_UID", "PRESENCE_GID", "TZ"
_LINE = re.compile(r"(?m)^\s*(?:export\s+)?(?P<key>[A-Z_]+)[ \t]*=[ \t]*(?P<value>.*?)[ \t]*$")


def read(file: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What is set: an empty value is not. Raises ``ContractError`` for an odd encoding."""
    try:
        text = read_text(file) if file.exists() else ""
    except EncodingError as error:
        raise ContractError(f"{file}: {error}") from error
    found = {line["key"]: line["value"].strip("'\"") for line in _LINE.finditer(text)}
    found |= {key: environ[key] for key in (UID, GID, ZONE) if environ.get(key)}
    return {key: value for key, value in found.items() if value}


def users_of(values: Mapping[str, str]) -> Users | None:
    """Who runs in all containers, when ``values`` say so. ``ContractError`` for no number."""
    if UID not in values:
        return None
    for key in (UID, GID):
        if not values.get(key, "0").isdecimal():
            raise ContractError(f"{key} in .env must be a number, as `id` tells it")
    uid = int(values[UID])
    bridge, broker = (int(values.get(GID, user.gid)) for user in (BRIDGE, BROKER))
    return Users(User(uid, bridge), User(uid, broker))


def write(file: Path, values: Mapping[str, str]) -> None:
    """Add ``values``, each in the place of an empty one where there is one."""
    text = read_text(file) if file.exists() else ""
    for key, value in values.items():
        empty = re.compile(rf"(?m)^{key}=[ \t]*$")
        if empty.search(text):
            text = empty.sub(f"{key}={value}", text, count=1)
        else:
            text += ("" if text.endswith("\n") or not text else "\n") + f"{key}={value}\n"
    write_public(file, text, mode=0o644)
