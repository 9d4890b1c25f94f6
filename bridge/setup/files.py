"""``presence-bridge init``: writes config, secrets, passwords, access rules; says what is next."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.config.atomic_file import write_public
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.text_file import EncodingError, read_text
from bridge.contract.errors import ConfigError, ContractError
from bridge.setup.config import InitOptions, check_registration, driver_lines, write_config
from bridge.setup.hand_over import Host, give_volumes, hand_over
from bridge.setup.lamps import USERS, check, followed, lamps, topics_of
from bridge.setup.moving import MENDED, move
from bridge.setup.owners import CONFIG, PAGE
from bridge.setup.passwords import Randomness, make_passwords, users_in
from bridge.setup.place import Place, place_of
from bridge.setup.rules import lamps_of, lets_everybody_read, users_of, with_rules

_MADE_BY_DOCKER = (
    "is a folder; docker compose makes one of a file that is missing: remove it (rmdir) and run "
    "init again"
)


def steps(
    folder: Path,
    options: InitOptions,
    random: Randomness = os.urandom,
    host: Host | None = None,
) -> Iterator[str]:
    """Write ``config.toml``, ``secrets/`` and the broker's passwords and rules.

    In a clone they go into its one folder that git ignores, and what 0.1.0 left elsewhere is moved
    there; else into ``folder`` itself. Each file is whole at every moment, and what is missing is
    made: after a kill it is run again.
    Yields lines for the person: what was made, what was kept, what to do next.

    Raises:
        ConfigError: A name cannot be used, the folder cannot be written, or a container could not
            use what it mounts.
    """
    place, host = Place(folder, folder), host or Host()
    try:
        place = place_of(folder)
        check(options)
        check_registration(options)
        is_mended = False
        for line in move(place, host.volumes):
            is_mended |= line.startswith(MENDED)
            yield line
        yield from _written(place, options, random, host)
        if is_mended:
            yield "What runs already has the old folders: docker compose up -d --force-recreate"
    except (ContractError, EncodingError) as error:
        raise ConfigError([str(error)]) from error
    except OSError as error:
        raise ConfigError([f"{error.filename or folder}: {_why(error, place, host)}"]) from error


def _why(error: OSError, place: Place, host: Host) -> str:
    """What hindered us, and what to do."""
    if isinstance(error, IsADirectoryError):
        return _MADE_BY_DOCKER
    folder = place.beside
    ours = (folder, host.volumes)
    is_ours = error.filename is None or any(map(Path(error.filename).is_relative_to, ours))
    if not isinstance(error, PermissionError) or not folder.is_dir() or not is_ours:
        return error.strerror or str(error)
    owner = give_volumes(place, host)
    found = folder.stat()
    why = f"{error.strerror}: {folder} belongs to user {found.st_uid}, and this is {os.geteuid()}"
    if owner and host.volumes.is_dir():
        user = f"{owner.uid}:{owner.gid}"
        return f"{why}; run: docker compose run --rm --user {user} init"
    return f"{why}; run init as that user, or give the folder to this one"


def _written(place: Place, options: InitOptions, random: Randomness, host: Host) -> Iterator[str]:
    folder = place.folder
    file, secrets = folder / CONFIG, folder / "secrets"
    hashes, rules = folder / "mosquitto" / "passwords", folder / "mosquitto" / "acl"
    yield write_config(file, options)
    config = _tables(file)
    _refuse_users_of_others(hashes, rules, config, options)
    users = [*USERS, *([options.driver] if options.driver else [])]
    for_the_broker = make_passwords(secrets, hashes, users, random)
    names = (secret.name.removeprefix("mqtt_") for secret in secrets.glob("mqtt_*"))
    ours = {name for name in names if "." not in name}  # as a draft after a kill
    for_the_broker += _rules(rules, ours, users_in(hashes), config, options)
    yield from for_the_broker
    yield from hand_over(place, host)
    changed = not {f"kept  {hashes}", f"kept  {rules}"} <= set(for_the_broker)
    yield from _next_steps(place, config, options, broker_changed=changed)


def _tables(file: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(read_text(file))
    except (tomllib.TOMLDecodeError, EncodingError) as error:
        raise ConfigError([f"{file}: {error}"]) from error


def _refuse_users_of_others(
    hashes: Path, rules: Path, config: Mapping[str, Any], options: InitOptions
) -> None:
    """A lamp called like the user of some device would get that one's rights."""
    name = options.driver
    if name is None or name not in users_in(hashes) or followed(config, options, name) is not None:
        return
    text = rules.read_text(encoding="utf-8") if rules.exists() else ""
    if name in users_of(text) and name not in lamps_of(text):
        raise ContractError(
            f"{name} is a user of the broker already, with rules of its own in {rules}: if it is "
            "a lamp, say what it follows with --follow; else call the lamp otherwise"
        )


def _rules(
    file: Path, ours: set[str], users: set[str], config: Mapping[str, Any], options: InitOptions
) -> list[str]:
    """Let each lamp read what it follows; ``ours`` are the ``users`` that ``init`` made."""
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    topics = topics_of(config)
    everybody, having_rules = ours | users, lamps_of(before)
    known = tuple(lamps(config, options, everybody, having_rules))
    unknown = (ours | (users - users_of(before))).difference(
        USERS, having_rules, (lamp.name for lamp in known)
    )
    after = with_rules(before, topics, known, users=everybody, everybody_is_known=not unknown)
    if after != before:
        write_public(file, after, mode=0o644)
    word = "kept" if after == before else "changed" if before else "made"
    open_till_then = "; until then every user may read everybody"
    return [
        f"{word}  {file}",
        *(
            f"      nobody says what {name} follows: presence-bridge init --driver {name} --follow "
            f"NAME{open_till_then if lets_everybody_read(after, topics) else ''}"
            for name in sorted(unknown)
        ),
    ]


def _next_steps(
    place: Place, config: Mapping[str, Any], options: InitOptions, *, broker_changed: bool
) -> list[str]:
    file = place.named(place.folder / CONFIG)
    lines = [""]
    if str(PLACEHOLDER_CLIENT_ID) in (place.folder / CONFIG).read_text(encoding="utf-8"):
        lines.append(f"The page asks for tenant and client_id, or put them into {file}:")
        lines.append("docs/app-registration.md")
    account = next(iter(config.get("accounts", ())), "NAME")
    if options.driver and options.driver not in config.get("drivers", ()):
        follow = options.followed
        lines.append(f"Add to {file}, and restart the broker so that it knows the new user:")
        lines.append(driver_lines(options.driver, (account,) if follow is None else follow))
    elif broker_changed:
        lines.append("A broker that runs already reads its new users and rules when it restarts.")
    lines += [
        "Start it: docker compose up -d, or presence-bridge run",
        f"The page: port 8099; its password is in {file.with_name('secrets') / PAGE}",
        f"Sign in:  on the page, or with the code in the log; or presence-bridge login {account}",
    ]
    return lines
