"""The whole ``config.toml``, with the small tables that only the bridge reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from bridge.config.tables.accounts import AccountSettings, MicrosoftSettings
from bridge.config.tables.base import ConfigPath, Seconds, Settings, Slug
from bridge.config.tables.proxy import proxy_address
from bridge.config.tables.shared import HostConfig
from bridge.config.tables.web import WebSettings


class NetworkSettings(Settings):
    """``[network]``: how Microsoft is reached."""

    proxy: Annotated[str, AfterValidator(proxy_address)] = Field(default="", repr=False)
    """``http://[user:password@]host:port``; else HTTPS_PROXY and NO_PROXY."""
    ca_file: ConfigPath | None = None
    """Else SSL_CERT_FILE, REQUESTS_CA_BUNDLE or the system's authorities."""

    @field_validator("ca_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None


class SecuritySettings(Settings):
    """``[security]``: what is kept on disk."""

    key_file: ConfigPath | None = None
    """Encrypts token caches: 32 random bytes in base64."""


class StandbySettings(Settings):
    """``[standby]``: several bridges of one base topic, of which one serves."""

    node: Slug | None = None
    """What this one is called; without a name there is no standby."""


class PollingSettings(Settings):
    """``[polling]``: bounds of the cadence, in seconds (section 8 of the design)."""

    fastest: Seconds = 2
    steady: Seconds = 5
    slowest: Seconds = 30

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if not 1 <= self.fastest <= self.steady <= self.slowest:
            raise ValueError("needs 1 <= fastest <= steady <= slowest")
        return self


class Config(HostConfig):
    """All of ``config.toml``. Every table may be missing where its program does not need it."""

    microsoft: MicrosoftSettings = Field(default_factory=MicrosoftSettings)
    network: NetworkSettings = Field(default_factory=NetworkSettings)
    security: SecuritySettings = Field(default_factory=SecuritySettings)
    standby: StandbySettings = Field(default_factory=StandbySettings)
    polling: PollingSettings = Field(default_factory=PollingSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    accounts: dict[Slug, AccountSettings] = Field(default_factory=dict)

    _added: frozenset[str] = PrivateAttr(default=frozenset())

    @property
    def added(self) -> frozenset[str]:
        """Those of ``accounts`` whom the file does not name: they were added on the page."""
        return self._added

    def with_added(
        self, named: Mapping[str, AccountSettings], added: Mapping[str, AccountSettings]
    ) -> Self:
        """A copy that follows those whom the file names, and those who were added."""
        copy = self.model_copy(update={"accounts": {**named, **added}})
        copy._added = frozenset(added)  # noqa: SLF001 - a copy of ourselves
        return copy

    def microsoft_of(self, account: str) -> MicrosoftSettings:
        """The app registration that ``account`` uses: its own values over ``[microsoft]``."""
        own = self.accounts[account]
        keys = [key for key in ("cloud", "tenant", "client_id") if getattr(own, key) is not None]
        if own.certificate_file:  # with its own key, or none
            keys += ["certificate_file", "private_key_file", "passphrase_file"]
        return self.microsoft.model_copy(update={key: getattr(own, key) for key in keys})
