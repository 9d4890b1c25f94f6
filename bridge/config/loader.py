"""Reads ``config.toml``, the environment and secret files into one ``Config``.

The environment wins over the file: ``PRESENCE_MQTT__PASSWORD`` is ``password`` in ``[mqtt]``.
Where we are an app of Home Assistant, its Supervisor fills in the rest.
"""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr, ValidationError

from bridge.config.supervisor import is_app, mqtt_service, with_broker, with_page
from bridge.config.tables.shared import BRIDGE_TABLES, HostConfig
from bridge.config.text_file import EncodingError, read_secret, read_text
from bridge.config.unreadable_file import unreadable
from bridge.config.validation_errors import problems
from bridge.contract.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config.tables.config import Config

log = logging.getLogger(__name__)

C = TypeVar("C", bound=HostConfig)

DATA = "data"
"""In a clone, the one folder that an update leaves alone."""
PREFIX = "PRESENCE_"
_NOT_SETTINGS = {"PRESENCE_CONFIG"}
_FIRST_WORDS = {*HostConfig.model_fields, *BRIDGE_TABLES}
"""Tables and top-level keys; a variable that begins with another word is somebody else's."""


def config_path(given: str | None, environ: Mapping[str, str], here: Path = Path()) -> Path:
    """The one given, ``$PRESENCE_CONFIG``, what ``init`` wrote in a clone, ``./config.toml``."""
    if said := given or environ.get("PRESENCE_CONFIG"):
        return Path(said)
    kept = here / DATA / "config.toml"
    return kept if kept.exists() else here / kept.name


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """Read and check everything.

    Raises:
        ConfigError: With every mistake at once, each naming its key. So do the next three.
        TryAgainError: In the app: its Supervisor does not answer. So do the next two.
    """
    return check(_layered(_read(path), environ), folder=path.absolute().parent, environ=environ)


def from_environment(folder: Path, environ: Mapping[str, str]) -> Config:
    """What the environment alone says; relative paths start at ``folder``."""
    return check(_layered({}, environ), folder=folder, environ=environ)


def load_host(path: Path, environ: Mapping[str, str]) -> HostConfig:
    """Read and check what a host with nothing but a lamp needs; the rest is left to the bridge."""
    table = _layered(_read(path), environ)
    own = {key: value for key, value in table.items() if key not in BRIDGE_TABLES}
    return _checked(HostConfig, own, path.absolute().parent, environ)


def check(table: dict[str, Any], *, folder: Path, environ: Mapping[str, str]) -> Config:
    """Build the config from ``table``; relative paths start at ``folder``."""
    from bridge.config.tables.config import Config  # noqa: PLC0415 - a lamp's process never needs it

    return _checked(Config, table, folder, environ)


def _checked(model: type[C], table: dict[str, Any], folder: Path, environ: Mapping[str, str]) -> C:
    home = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME", "~"), ".local", "state")
    table = {"state_dir": str(Path(home, "presence-bridge").expanduser()), **table}
    try:
        config = model.model_validate(table, context={"folder": folder})
    except ValidationError as error:
        raise ConfigError(problems(error, model)) from error
    return _with_secrets(config)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_text(path))
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: there is no such file; make one with: presence-bridge init"]
        ) from None
    except OSError as error:
        raise ConfigError([f"{unreadable(path, error)}"]) from error
    except (EncodingError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _layered(table: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What counts of the file, the environment and, in the app, the Supervisor."""
    if not is_app(environ):
        return _overlay(table, environ)
    return with_broker(_overlay(with_page(table), environ), partial(mqtt_service, environ))


def _overlay(table: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    strangers: list[str] = []
    mqtt = table.get("mqtt")
    if environ.get(f"{PREFIX}MQTT__HOSTS") and isinstance(mqtt, dict):
        # several take the place of the one that a config is shipped with; not the reverse: who
        # lists several in the file would never learn that they do not count
        mqtt.pop("host", None)
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS or not text:
            continue  # an empty one is not set: compose files pass on what nobody filled in
        *parents, key = variable.removeprefix(PREFIX).lower().split("__")
        if [*parents, key][0] not in _FIRST_WORDS:
            strangers.append(variable)
            continue
        level = table
        for parent in parents:
            level = level.setdefault(parent, {})
            if not isinstance(level, dict):
                raise ConfigError([f"{variable}: {parent} is no table"])
        level[key] = _value(text)
    if strangers:
        _log_strangers(tuple(sorted(strangers)))
    return table


@cache
def _log_strangers(strangers: tuple[str, ...]) -> None:
    """Once a process: Kubernetes itself sets some, for a service called presence-bridge."""
    log.warning(
        "%s: no such setting, ignored (PRESENCE_TABLE__KEY has two underscores in between)",
        ", ".join(strangers),
    )


def _value(text: str) -> Any:
    """Lists and tables are written as JSON; all else is text that the model converts."""
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _with_secrets(config: C) -> C:
    """Read the secret file that the config names."""
    mqtt = config.mqtt
    if mqtt.password or not mqtt.password_file:
        return config
    try:
        password = read_secret(mqtt.password_file)
    except OSError as error:
        cure = "correct the path, or let presence-bridge init make the file"
        problem = unreadable(mqtt.password_file, error, otherwise=cure)
        raise ConfigError([f"mqtt.password_file: {problem}"]) from error
    except EncodingError as error:
        raise ConfigError([f"mqtt.password_file: {mqtt.password_file}: {error}"]) from error
    if not password:
        file = f"mqtt.password_file: {mqtt.password_file}"
        raise ConfigError([f"{file}: the password must be in its first line"])
    filled = mqtt.model_copy(update={"password": SecretStr(password)})
    return config.model_copy(update={"mqtt": filled})
