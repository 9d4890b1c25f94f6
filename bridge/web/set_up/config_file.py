"""Writes the answers to the guided set-up into ``config.toml`` and the files beside it.

Nothing that a person wrote into the file is overwritten.
"""

from __future__ import annotations

from pathlib import Path

from bridge.config.added_people import slug_of
from bridge.config.atomic_file import make_private, write_private, write_public
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.contract.errors import ConfigError
from bridge.contract.registration import Registration
from bridge.setup import PASSWORD_FILE, InitOptions, write_config


def write_authority(file: Path, pem: str) -> None:
    """Keep whom the broker's certificate is checked against. Raises as ``write``."""
    try:
        make_private(file.parent)
        write_public(file, pem, mode=0o644)
    except OSError as error:
        raise ConfigError([f"{error.filename or file}: {error.strerror}"]) from error


def write(
    file: Path,
    broker: MqttSettings | None,
    registration: Registration,
    name: str,
    zone: str | None = None,
    *,
    web: WebSettings | None = None,
) -> None:
    """Write what ``init`` would write.

    ``broker`` is ``None`` where the config or the environment gives it; ``web`` is where the page
    listens, if that is news. Raises ``ConfigError`` where the disk refuses.
    """
    options = InitOptions(
        tenant=registration.tenant,
        client_id=str(registration.client_id),
        account=slug_of(name, ()),
        name=name,
        time_zone=zone,
        broker=broker or (None if file.exists() else MqttSettings()),
        web=web,
    )
    try:
        if broker and broker.password:
            write_private(file.parent / PASSWORD_FILE, broker.password.get_secret_value())
        write_config(file, options)
    except OSError as error:
        raise ConfigError([f"{error.filename or file}: {error.strerror}"]) from error
