"""What the Supervisor of Home Assistant decides, where we run as its app: broker, page, options.

The user's own broker wins; ``localhost`` is none, since nothing but us runs in the container. The
page is another matter: only ingress leads to it, whatever a config that was brought along says.
Source: developers.home-assistant.io, "App communication" and "Presenting your app" (ingress).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bridge.config.tables.base import Settings, Slug, is_loopback
from bridge.config.text_file import read_text
from bridge.config.unreadable_file import unreadable
from bridge.config.validation_errors import problems
from bridge.contract.errors import ConfigError, TryAgainError

log = logging.getLogger(__name__)

TOKEN = "SUPERVISOR_TOKEN"  # noqa: S105 - its name
ADDRESS = "SUPERVISOR"
"""As in Home Assistant itself: where the Supervisor is, if not at its own name."""
INGRESS = "172.30.32.2"
PAGE = {"host": "0.0.0.0", "port": 8099, "trusted_proxies": [INGRESS]}  # noqa: S104 - ingress alone is let in
OPTIONS = "options.json"
DEADLINE_S = 5.0
ANSWER_MOST = 64 * 1024
NONE_THERE = 400
"""The status of a service that no app provides."""
NO_BROKER = (
    "Home Assistant offers no MQTT broker: install and start its app Mosquitto broker and restart "
    "this one, or write the host of yours into [mqtt] of config.toml."
)


class MqttService(BaseModel):
    """The broker as the Supervisor describes it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, defer_build=True)

    host: str = Field(min_length=1)
    port: int
    ssl: bool = False
    username: str | None = None
    password: SecretStr | None = None


class AppOptions(Settings):
    """What a person chooses in Home Assistant, on the configuration tab of the app."""

    model_config = ConfigDict(defer_build=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    lamps: tuple[Slug, ...] = ()
    """Those of ``[drivers]`` that run inside the app."""
    pair: tuple[Slug, ...] = ()
    """Those that are paired at the start of the app, as ``presence-driver pair`` does it."""


class NoServiceError(Exception):
    """No app provides the service."""


def is_app(environ: Mapping[str, str]) -> bool:
    """Whether the Supervisor has started us."""
    return bool(environ.get(TOKEN))


def with_page(table: dict[str, Any]) -> dict[str, Any]:
    """``table`` with the page where ingress looks for it, and for nobody else."""
    web = table.get("web", {})
    return {**table, "web": {**web, **PAGE}} if isinstance(web, dict) else table


def with_broker(table: dict[str, Any], service: Callable[[], MqttService]) -> dict[str, Any]:
    """``table`` with the broker of the Supervisor, where it names no other one.

    Of what it says beside the host, everything counts: a user of its own, TLS, the base topic.
    Raises ``TryAgainError`` when the Supervisor does not answer.
    """
    mqtt = table.get("mqtt", {})
    if not isinstance(mqtt, dict) or "hosts" in mqtt or not _is_here(mqtt.get("host", "localhost")):
        return table
    own = {key: value for key, value in mqtt.items() if key != "host"}
    if "host" in mqtt:
        own.pop("port", None)  # of a broker on a machine where we no longer are
    try:
        found = service()
    except NoServiceError:
        _warn()
        return {**table, "mqtt": own}
    return {**table, "mqtt": {**_values(found, own), **own}}


def without_broker(hosts: Iterable[str], environ: Mapping[str, str]) -> str:
    """What to do in the app about brokers at ``hosts``, where none is offered; else nothing."""
    return NO_BROKER if is_app(environ) and all(map(_is_here, hosts)) else ""


def _values(found: MqttService, own: Mapping[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {"host": found.host}
    if not own.keys() & {"port", "tls"}:
        values |= {"port": found.port, "tls": found.ssl}
    if found.username and not own.keys() & {"username", "password", "password_file"}:
        values |= {"username": found.username, "password": found.password}
    return values


def _is_here(host: object) -> bool:
    return isinstance(host, str) and is_loopback(host.strip().strip("[]").lower())


@cache
def _warn() -> None:
    """Once a process."""
    log.warning(NO_BROKER)


def mqtt_service(environ: Mapping[str, str]) -> MqttService:
    """The broker of the Supervisor; what it said once counts as long as this process lives.

    Raises:
        NoServiceError: There is none.
        TryAgainError: The Supervisor does not answer.
    """
    return _fetched(environ.get(ADDRESS) or "supervisor", environ[TOKEN])


@cache
def _fetched(address: str, token: str) -> MqttService:
    """Not by urllib: a proxy of the environment must not see the token."""
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415 - only the app needs it

    connection = HTTPConnection(address, timeout=DEADLINE_S)
    try:
        connection.request("GET", "/services/mqtt", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        status, body = answer.status, answer.read(ANSWER_MOST)
    except (OSError, HTTPException) as error:
        raise TryAgainError(f"the Supervisor at {address} does not answer: {error!r}") from error
    finally:
        connection.close()
    if status == NONE_THERE:
        raise NoServiceError
    try:
        return MqttService.model_validate(json.loads(body)["data"])
    except (ValueError, TypeError, KeyError):
        problem = f"the Supervisor says nothing useful about its MQTT broker (status {status})"
        raise TryAgainError(problem) from None


def options_of(file: Path) -> AppOptions:
    """What is in ``file``, which the Supervisor writes before each start."""
    try:
        options = json.loads(read_text(file))
    except OSError as error:
        raise ConfigError([f"{unreadable(file, error)}"]) from error
    except ValueError as error:
        raise ConfigError([f"{file}: {error}"]) from error
    try:
        return AppOptions.model_validate(options)
    except ValidationError as error:
        raise ConfigError([f"{file}: {each}" for each in problems(error, AppOptions)]) from error
