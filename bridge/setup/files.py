"""Writes what ``init`` promises, and says what it kept. Never overwrites what a person wrote."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

from bridge.config import PLACEHOLDER_CLIENT_ID
from bridge.contract.errors import ConfigError, ContractError
from bridge.contract.topics import slug
from bridge.setup.config import InitOptions, write_config, write_new
from bridge.setup.content import DRIVER, hashed, password

CONFIG = "config.toml"
USERS = ("bridge", "homeassistant", "health")
PAGE = "web"
"""The secret that is the password of the page."""
BRIDGE_UID, BROKER_UID = 10001, 1883
"""The users in the containers (Dockerfile, and the public eclipse-mosquitto image)."""

Randomness = Callable[[int], bytes]


def initialise(folder: Path, options: InitOptions, random: Randomness = os.urandom) -> list[str]:
    """Write ``config.toml``, ``secrets/`` and ``mosquitto/passwords`` in ``folder``.

    Returns lines for the person: what was made, what was kept, what to do next.

    Raises:
        ConfigError: A name cannot be used, or the folder cannot be written.
    """
    try:
        users = [*USERS, *([slug(options.driver)] if options.driver else [])]
        return [
            write_config(folder / CONFIG, options),
            *_passwords(folder, users, random),
            *_next_steps(folder / CONFIG, options),
        ]
    except ContractError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise ConfigError([f"{error.filename or folder}: {error.strerror}"]) from error


def _passwords(folder: Path, users: list[str], random: Randomness) -> list[str]:
    """A secret a user, and its hash for the broker; both are kept when they exist."""
    secrets, hashes = folder / "secrets", folder / "mosquitto" / "passwords"
    secrets.mkdir(mode=0o700, exist_ok=True)
    hashes.parent.mkdir(exist_ok=True)
    lines = [
        write_new(secrets / name, password(random(24)), mode=0o600)
        for name in (*(f"mqtt_{user}" for user in users), PAGE)
    ]
    known = hashes.read_text(encoding="utf-8") if hashes.exists() else ""
    names = {line.partition(":")[0] for line in known.splitlines()}
    added = "".join(
        f"{user}:{hashed((secrets / f'mqtt_{user}').read_text(encoding='utf-8'), random(12))}\n"
        for user in users
        if user not in names
    )
    if added:
        handle = os.open(hashes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            file.write(added)
    lines.append(f"{'made' if added else 'kept'}  {hashes}")
    _hand_over(folder, users)
    return lines


def _hand_over(folder: Path, users: list[str]) -> None:
    """Give each file to the one user that reads it in its container; only root can."""
    if os.geteuid() != 0:
        return
    person = folder.stat()
    secrets, broker = folder / "secrets", folder / "mosquitto"
    owners = {secrets / f"mqtt_{user}": BRIDGE_UID for user in users}
    owners[secrets / "mqtt_health"] = BROKER_UID
    owners[secrets / PAGE] = BRIDGE_UID
    owners[secrets / "mqtt_homeassistant"] = owners[secrets] = person.st_uid
    for path, uid in owners.items():
        os.chown(path, uid, person.st_gid)
    _give(broker / "passwords", BROKER_UID, BROKER_UID, mode=0o600)
    if (broker / "acl").exists():  # git must be able to read it
        _give(broker / "acl", BROKER_UID, person.st_gid, mode=0o640)
    if str(PLACEHOLDER_CLIENT_ID) in (folder / CONFIG).read_text(encoding="utf-8"):
        # the guided set-up in its container fills them in
        _give(folder / CONFIG, person.st_uid, BRIDGE_UID, mode=0o664)


def _give(path: Path, uid: int, gid: int, *, mode: int) -> None:
    """Make ``path`` ours first: root without CAP_FOWNER cannot set the mode of another's file."""
    os.chown(path, os.geteuid(), gid)
    path.chmod(mode)
    os.chown(path, uid, gid)


def _next_steps(config: Path, options: InitOptions) -> list[str]:
    text = config.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{config}: {error}"]) from error
    lines = [""]
    if str(PLACEHOLDER_CLIENT_ID) in text:
        lines.append("The page asks for tenant and client_id, or put them into config.toml:")
        lines.append("docs/app-registration.md")
    account = next(iter(table.get("accounts", ())), "NAME")
    if options.driver and options.driver not in table.get("drivers", ()):
        lines.append("Add to config.toml, and restart the broker so that it knows the new user:")
        lines.append(DRIVER.format(driver=options.driver, account=account))
    lines += [
        "Start it: docker compose up -d, or presence-bridge run",
        f"The page: port 8099; its password is in secrets/{PAGE} beside config.toml",
        f"Sign in:  on the page, or with the code in the log; or presence-bridge login {account}",
    ]
    return lines
