"""The answers to the guided set-up so far, and how they become ``config.toml``.

Nothing that a person wrote into the file is overwritten.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bridge.config.added_people import slug_of
from bridge.config.atomic_file import make_private, write_private, write_public
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.errors import ConfigError
from bridge.contract.registration import Registration
from bridge.setup import PASSWORD_FILE, InitOptions, write_config


@dataclass(frozen=True, slots=True)
class Draft:
    """The answers so far; the first one that is missing is asked next."""

    broker: MqttSettings | None = None
    registration: Registration | None = None
    broker_is_given: bool = False
    """By the config or the environment: it is not to be written."""


def write_authority(file: Path, pem: str) -> None:
    """Keep whom the broker's certificate is checked against. Raises as ``write``."""
    try:
        make_private(file.parent)
        write_public(file, pem, mode=0o644)
    except OSError as error:
        raise ConfigError([f"{error.filename or file}: {error.strerror}"]) from error


def write(
    file: Path, draft: Draft, name: str, zone: str | None = None, *, web: WebSettings | None = None
) -> None:
    """Write what ``init`` would write; ``web`` is where the page listens, if that is news.

    Raises ``ConfigError`` where the disk refuses.
    """
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
        web=web,
    )
    try:
        if broker.password and not draft.broker_is_given:
            write_private(file.parent / PASSWORD_FILE, broker.password.get_secret_value())
        write_config(file, options)
    except OSError as error:
        raise ConfigError([f"{error.filename or file}: {error.strerror}"]) from error
