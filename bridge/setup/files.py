"""Writes what ``init`` promises, and says what it kept. Never overwrites what a person wrote.

In an existing ``config.toml`` only the placeholders of the shipped one are filled in.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.config import PLACEHOLDER_CLIENT_ID
from bridge.contract.errors import ConfigError, ContractError
from bridge.contract.topics import slug
from bridge.setup.content import CONFIG, DRIVER, hashed, password

USERS = ("bridge", "homeassistant", "health")
BRIDGE_UID, BROKER_UID = 10001, 1883
"""The users in the containers (Dockerfile, and the public eclipse-mosquitto image)."""

Randomness = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What the person knows already."""

    tenant: str | None = None
    client_id: str | None = None
    account: str | None = None
    driver: str | None = None
    broker: str = "localhost"


def initialise(folder: Path, options: InitOptions, random: Randomness = os.urandom) -> list[str]:
    """Write ``config.toml``, ``secrets/`` and ``mosquitto/passwords`` in ``folder``.

    Returns lines for the person: what was made, what was kept, what to do next.

    Raises:
        ConfigError: A name cannot be used, or the folder cannot be written.
    """
    try:
        users = [*USERS, *([slug(options.driver)] if options.driver else [])]
        account = slug(options.account or "me")
        return [
            *_config(folder, options, account),
            *_passwords(folder, users, random),
            *_next_steps(folder / "config.toml", options),
        ]
    except ContractError as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise ConfigError([f"{error.filename or folder}: {error.strerror}"]) from error


def _config(folder: Path, options: InitOptions, account: str) -> list[str]:
    file = folder / "config.toml"
    if file.exists():
        return [_fill_in(file, options, account)]
    text = CONFIG.format(
        broker=options.broker,
        tenant=options.tenant or "contoso.com",
        client_id=options.client_id or PLACEHOLDER_CLIENT_ID,
        account=account,
        name=account.replace("_", " ").title(),
    )
    if options.driver:
        text += DRIVER.format(driver=options.driver, account=account)
    folder.mkdir(parents=True, exist_ok=True)
    return [_write_new(file, text, mode=0o644)]


def _fill_in(file: Path, options: InitOptions, account: str) -> str:
    """Fill the placeholders of an untouched shipped config."""
    before = file.read_text(encoding="utf-8")
    if not options.client_id or str(PLACEHOLDER_CLIENT_ID) not in before:
        return f"kept  {file}"
    after = before.replace(str(PLACEHOLDER_CLIENT_ID), options.client_id)
    if options.tenant:
        after = after.replace('tenant = "contoso.com"', f'tenant = "{options.tenant}"')
    if options.account:
        name = account.replace("_", " ").title()
        after = after.replace("[accounts.alice]", f"[accounts.{account}]")
        after = after.replace('name = "Alice"', f'name = "{name}"')
    file.write_text(after, encoding="utf-8")
    return f"filled in  {file}"


def _passwords(folder: Path, users: list[str], random: Randomness) -> list[str]:
    """A secret a user, and its hash for the broker; both are kept when they exist."""
    secrets, hashes = folder / "secrets", folder / "mosquitto" / "passwords"
    secrets.mkdir(mode=0o700, exist_ok=True)
    hashes.parent.mkdir(exist_ok=True)
    lines = [_write_new(secrets / f"mqtt_{u}", password(random(24)), mode=0o600) for u in users]
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


def _write_new(file: Path, text: str, *, mode: int) -> str:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return f"kept  {file}"
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    return f"made  {file}"


def _hand_over(folder: Path, users: list[str]) -> None:
    """Give each file to the one user that reads it in its container; only root can."""
    if os.geteuid() != 0:
        return
    person = folder.stat()
    secrets, broker = folder / "secrets", folder / "mosquitto"
    owners = {secrets / f"mqtt_{user}": BRIDGE_UID for user in users}
    owners[secrets / "mqtt_health"] = BROKER_UID
    owners[secrets / "mqtt_homeassistant"] = owners[secrets] = person.st_uid
    for path, uid in owners.items():
        os.chown(path, uid, person.st_gid)
    for path in (broker / "passwords", broker / "acl"):
        # the mode first: root without CAP_FOWNER cannot set it once the file is another's
        if path.exists() and path.stat().st_uid != BROKER_UID:
            path.chmod(0o600)
            os.chown(path, BROKER_UID, BROKER_UID)


def _next_steps(config: Path, options: InitOptions) -> list[str]:
    text = config.read_text(encoding="utf-8")
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{config}: {error}"]) from error
    lines = [""]
    if str(PLACEHOLDER_CLIENT_ID) in text:
        lines.append("Put tenant and client_id into config.toml: docs/app-registration.md")
    account = next(iter(table.get("accounts", ())), "NAME")
    if options.driver and options.driver not in table.get("drivers", ()):
        lines.append("Add to config.toml, and restart the broker so that it knows the new user:")
        lines.append(DRIVER.format(driver=options.driver, account=account))
    lines += [
        "Start it: docker compose up -d, or presence-bridge run",
        f"Sign in:  the log shows a code; or presence-bridge login {account}",
    ]
    return lines
