"""The answers to the guided set-up so far, checked, and how they become ``config.toml``.

Nothing that a person wrote into the file is overwritten.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from bridge.config.added_people import slug_of
from bridge.config.atomic_file import write_private
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID
from bridge.config.tables.base import is_zone
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.tenant import tenant_name
from bridge.config.validation_errors import problems
from bridge.contract.errors import ConfigError
from bridge.setup import PASSWORD_FILE, InitOptions, write_config
from bridge.web.refused import Fields, RefusedError

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,250}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Registration:
    """The app registration."""

    tenant: str
    client_id: UUID


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers so far; the first one that is missing is asked next."""

    broker: MqttSettings | None = None
    registration: Registration | None = None
    broker_is_given: bool = False
    """By the config or the environment: it is not to be written."""


def broker_of(fields: Fields) -> MqttSettings:
    """The broker of a form. Raises ``RefusedError`` when it cannot be one, as do the next."""
    host = fields.get("host", "").strip()
    username = fields.get("username", "").strip()
    if not _HOST.fullmatch(host):
        raise RefusedError("Give the broker's name or address, such as localhost or 192.168.1.5.")
    if not username.isprintable():
        raise RefusedError("The user name has odd characters.")
    table = {
        "host": host,
        "port": fields.get("port", "").strip() or None,
        "username": username or None,
        "password": fields.get("password") or None,
    }
    try:
        return MqttSettings.model_validate(table)
    except ValidationError as error:
        raise RefusedError(". ".join(problems(error, MqttSettings))) from error


def registration_of(fields: Fields) -> Registration:
    """The app registration of a form."""
    try:
        tenant = tenant_name(fields.get("tenant", ""))
    except ValueError as error:
        raise RefusedError(f"The tenant {error}.") from error
    if not tenant:
        raise RefusedError("The tenant is your organisation's domain, such as contoso.com.")
    try:
        client_id = UUID(fields.get("client_id", "").strip())
    except ValueError:
        raise RefusedError(
            "The client id looks like 1b2c3d4e-0000-4000-8000-123456789abc: "
            "copy Application (client) ID."
        ) from None
    if client_id == PLACEHOLDER_CLIENT_ID:
        raise RefusedError("That is the placeholder: copy Application (client) ID.")
    return Registration(tenant, client_id)


def zone_of(fields: Fields) -> str | None:
    """The time zone, when one is given."""
    zone = fields.get("time_zone", "").strip()
    if zone and not is_zone(zone):
        raise RefusedError("A time zone has a name such as Europe/Berlin; or leave it empty.")
    return zone or None


def write(file: Path, draft: Draft, name: str, zone: str | None = None) -> None:
    """Write what ``init`` would write. Raises ``ConfigError`` when the disk refuses."""
    broker, registration = draft.broker, draft.registration
    assert broker is not None
    assert registration is not None
    options = InitOptions(
        tenant=registration.tenant,
        client_id=str(registration.client_id),
        account=slug_of(name, ()),
        name=name,
        time_zone=zone,
        broker=broker if not draft.broker_is_given else None if file.exists() else MqttSettings(),
    )
    try:
        if broker.password and not draft.broker_is_given:
            write_private(file.parent / PASSWORD_FILE, broker.password.get_secret_value())
        write_config(file, options)
    except OSError as error:
        raise ConfigError([f"{error.filename or file}: {error.strerror}"]) from error
