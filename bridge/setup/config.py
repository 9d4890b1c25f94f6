"""Writes ``config.toml`` from a person's answers. Never overwrites what a person wrote.

In an existing one only the placeholders of the shipped file are filled in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bridge.config.atomic_file import is_there, make_folder, write_in_place, write_new
from bridge.config.tables.accounts import PLACEHOLDER_CLIENT_ID, MicrosoftSettings
from bridge.config.tables.shared import MqttSettings
from bridge.config.tables.web import WebSettings
from bridge.config.toml_edits import OtherStyleError, toml_text, with_values
from bridge.config.validation_errors import problems
from bridge.contract.errors import ConfigError
from bridge.contract.topics import slug
from bridge.setup.owners import PAGE

PASSWORD_FILE = "secrets/mqtt_bridge"  # noqa: S105 - where it is, not what it is
CA_FILE = "secrets/broker_ca.pem"
"""Who signed the broker's certificate, where somebody gave it to the page."""

_CONFIG = """\
# Presence Bridge. All settings with their defaults are in the shipped config.toml.

{top}[mqtt]
{broker}
[microsoft]                                # docs/app-registration.md
tenant = {tenant}
client_id = "{client_id}"

[accounts.{account}]                       # the key is the name in topics
name = {name}
"""

_DRIVER = """
[drivers.{driver}]                         # presence-driver {driver}; docs/lights.md
kind = "console"
follow = {follow}
"""

_BROKER = re.compile(r'^host = "localhost".*\n', re.MULTILINE)
_ZONE = re.compile(r"^# time_zone = .*\n", re.MULTILINE)
_NO_ZONE = """\
# time_zone = "Europe/Berlin"              # for hours and schedules; else the machine's own
"""
_PLACEHOLDERS = re.compile(r'(?m)^\[accounts\.(?:alice|me)\](.*)\nname = "(?:Alice|Me)"')
"""The first account of the shipped file, and of one that ``init`` wrote for nobody."""

EVERYBODY = "all"


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What the person knows already."""

    tenant: str | None = None
    client_id: str | None = None
    account: str | None = None
    """The slug in topics."""
    name: str | None = None
    """Of that person; made of the slug when not given."""
    driver: str | None = None
    follow: str | None = None
    """The accounts that the driver follows, with commas; ``all`` is everybody."""
    time_zone: str | None = None
    """An IANA name; the machine's own when not given."""
    broker: MqttSettings | None = None
    """The one that ``init`` makes passwords for, when not given."""
    web: WebSettings | None = None
    """Where the page listens, with the password in ``secrets``; as it is by itself, when not
    given."""

    @property
    def slug(self) -> str:
        """Of the first account. Raises ``ContractError`` for a name that cannot be used."""
        return slug(self.account or "me")

    @property
    def followed(self) -> tuple[str, ...] | None:
        """What ``follow`` says, as in the config; raises ``ContractError`` like ``slug``."""
        if self.follow is None:
            return None
        names = [name.strip() for name in self.follow.split(",")]
        return () if names == [EVERYBODY] else tuple(slug(name) for name in names)

    @property
    def shown_name(self) -> str:
        """The first account's name, for people."""
        return self.name or self.slug.replace("_", " ").title()


def check_registration(options: InitOptions) -> None:
    """Refuse what the config would refuse. Raises ``ConfigError``: each with its key."""
    given = {"tenant": options.tenant, "client_id": options.client_id}
    try:
        MicrosoftSettings.model_validate({key: value for key, value in given.items() if value})
    except ValidationError as error:
        raise ConfigError(problems(error, MicrosoftSettings)) from error


def write_config(file: Path, options: InitOptions) -> str:
    """Write a new ``file``, or fill in the placeholders of an old one; a line for the person.

    Raises ``ContractError`` for a name that cannot be used.
    """
    if is_there(file):
        return _fill_in(file, options)
    text = _CONFIG.format(
        top=f"{_zone_line(options.time_zone) if options.time_zone else _NO_ZONE}\n",
        broker=_broker_lines(options.broker),
        tenant=toml_text(options.tenant or "contoso.com"),
        client_id=options.client_id or PLACEHOLDER_CLIENT_ID,
        account=options.slug,
        name=toml_text(options.shown_name),
    )
    if options.web:
        text = with_values(text, "web", _web_values(options.web))
    if options.driver:
        followed = (options.slug,) if options.followed is None else options.followed
        text += driver_lines(options.driver, followed)
    make_folder(file.parent)
    return write_new(file, text, mode=0o644)


def _fill_in(file: Path, options: InitOptions) -> str:
    """In place and not by a new file: in a container only this one file may be written.

    Nothing is cut off before all is written, so that a kill leaves a config that loads.
    """
    before = file.read_text(encoding="utf-8")
    if not options.client_id or str(PLACEHOLDER_CLIENT_ID) not in before:
        return f"kept  {file}"
    after = before.replace(str(PLACEHOLDER_CLIENT_ID), options.client_id)
    if options.tenant:
        after = after.replace('tenant = "contoso.com"', f"tenant = {toml_text(options.tenant)}")
    if options.account:
        head, name = f"[accounts.{options.slug}]", f"name = {toml_text(options.shown_name)}"
        after = _PLACEHOLDERS.sub(lambda found: f"{head}{found[1]}\n{name}", after, count=1)
    if options.time_zone:
        after = _ZONE.sub(lambda _: _zone_line(options.time_zone or ""), after, count=1)
    if options.broker:
        lines = _broker_lines(options.broker)
        after = _BROKER.sub(lambda _: lines, after, count=1)
    if options.web:
        values = _web_values(options.web)
        try:
            after = with_values(after, "web", values)
        except OtherStyleError as error:
            lines = ", ".join(f"{key} = {toml_text(value)}" for key, value in values.items())
            raise ConfigError([f"web: write it into {file} yourself: {lines}"]) from error
    write_in_place(file, after)
    return f"filled in  {file}"


def _web_values(web: WebSettings) -> dict[str, str]:
    return {"host": web.host, "password_file": f"secrets/{PAGE}"}


def driver_lines(driver: str, follow: Iterable[str]) -> str:
    """A table for a new lamp."""
    return _DRIVER.format(driver=driver, follow=json.dumps(list(follow)))


def _zone_line(zone: str) -> str:
    """The time zone, which stands above all tables."""
    return f"time_zone = {toml_text(zone)}\n"


def _broker_lines(broker: MqttSettings | None) -> str:
    """``[mqtt]`` for ``broker``; else for the one that ``init`` makes passwords for."""
    if broker is None:
        broker = MqttSettings(username="bridge", password_file=Path(PASSWORD_FILE))
    values = {
        "host": broker.host,
        "port": broker.port,
        "tls": broker.tls,
        "ca_file": broker.ca_file and CA_FILE,
        "server_name": broker.server_name,
        "username": broker.username,
        "password_file": (broker.password or broker.password_file) and PASSWORD_FILE,
    }
    texts = {
        key: toml_text(value) if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
        if value
    }
    return "".join(f"{key} = {text}\n" for key, text in texts.items())
