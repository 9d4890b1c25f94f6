"""Writes ``config.toml`` from what a person tells. Never overwrites what a person wrote.

In an existing one only the placeholders of the shipped file are filled in.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from bridge.config import PLACEHOLDER_CLIENT_ID, MqttSettings
from bridge.contract.topics import slug
from bridge.setup.content import CONFIG, DRIVER, broker_lines, toml

_BROKER = re.compile(r'^host = "localhost".*\n', re.MULTILINE)


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
    broker: MqttSettings | None = None
    """The one that ``init`` makes passwords for, when not given."""

    @property
    def slug(self) -> str:
        """Of the first account. Raises ``ContractError`` for a name that cannot be used."""
        return slug(self.account or "me")

    @property
    def shown_name(self) -> str:
        """The first account's name, for people."""
        return self.name or self.slug.replace("_", " ").title()


def write_config(file: Path, options: InitOptions) -> str:
    """Write a new ``file``, or fill in the placeholders of an old one; a line for the person.

    Raises:
        ContractError: A name cannot be used.
        OSError: The disk refuses.
    """
    if file.exists():
        return _fill_in(file, options)
    text = CONFIG.format(
        broker=broker_lines(options.broker),
        tenant=toml(options.tenant or "contoso.com"),
        client_id=options.client_id or PLACEHOLDER_CLIENT_ID,
        account=options.slug,
        name=toml(options.shown_name),
    )
    if options.driver:
        text += DRIVER.format(driver=options.driver, account=options.slug)
    file.parent.mkdir(parents=True, exist_ok=True)
    return write_new(file, text, mode=0o644)


def write_new(file: Path, text: str, *, mode: int) -> str:
    """Write ``file`` if there is none; a line for the person."""
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        return f"kept  {file}"
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text)
    return f"made  {file}"


def _fill_in(file: Path, options: InitOptions) -> str:
    """In place and not by a new file: in a container only this one file may be written."""
    before = file.read_text(encoding="utf-8")
    if not options.client_id or str(PLACEHOLDER_CLIENT_ID) not in before:
        return f"kept  {file}"
    after = before.replace(str(PLACEHOLDER_CLIENT_ID), options.client_id)
    if options.tenant:
        after = after.replace('tenant = "contoso.com"', f"tenant = {toml(options.tenant)}")
    if options.account:
        after = after.replace("[accounts.alice]", f"[accounts.{options.slug}]")
        after = after.replace('name = "Alice"', f"name = {toml(options.shown_name)}")
    if options.broker:
        lines = broker_lines(options.broker)
        after = _BROKER.sub(lambda _: lines, after, count=1)
    file.write_text(after, encoding="utf-8")
    return f"filled in  {file}"
