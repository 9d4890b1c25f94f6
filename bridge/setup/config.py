"""Writes ``config.toml`` from what a person tells. Never overwrites what a person wrote.

In an existing one only the placeholders of the shipped file are filled in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from bridge.config.accounts import PLACEHOLDER_CLIENT_ID, MicrosoftSettings
from bridge.config.host import MqttSettings
from bridge.config.problems import problems
from bridge.contract.errors import ConfigError
from bridge.contract.topics import slug
from bridge.setup.content import CONFIG, broker_lines, driver_lines, toml, zone_line
from bridge.setup.whole import is_there, make_folder, write_in_place, write_new

_BROKER = re.compile(r'^host = "localhost".*\n', re.MULTILINE)
_ZONE = re.compile(r"^# time_zone = .*\n", re.MULTILINE)

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
    """Refuse what the config would refuse.

    Raises:
        ConfigError: Each with its key.
    """
    told = {"tenant": options.tenant, "client_id": options.client_id}
    try:
        MicrosoftSettings.model_validate({key: value for key, value in told.items() if value})
    except ValidationError as error:
        raise ConfigError(problems(error, MicrosoftSettings)) from error


def write_config(file: Path, options: InitOptions) -> str:
    """Write a new ``file``, or fill in the placeholders of an old one; a line for the person.

    Raises:
        ContractError: A name cannot be used.
        OSError: The disk refuses.
    """
    if is_there(file):
        return _fill_in(file, options)
    text = CONFIG.format(
        top=f"{zone_line(options.time_zone)}\n" if options.time_zone else "",
        broker=broker_lines(options.broker),
        tenant=toml(options.tenant or "contoso.com"),
        client_id=options.client_id or PLACEHOLDER_CLIENT_ID,
        account=options.slug,
        name=toml(options.shown_name),
    )
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
        after = after.replace('tenant = "contoso.com"', f"tenant = {toml(options.tenant)}")
    if options.account:
        after = after.replace("[accounts.alice]", f"[accounts.{options.slug}]")
        after = after.replace('name = "Alice"', f"name = {toml(options.shown_name)}")
    if options.time_zone:
        after = _ZONE.sub(lambda _: zone_line(options.time_zone or ""), after, count=1)
    if options.broker:
        lines = broker_lines(options.broker)
        after = _BROKER.sub(lambda _: lines, after, count=1)
    write_in_place(file, after)
    return f"filled in  {file}"
