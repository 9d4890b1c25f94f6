"""The whole ``config.toml`` as frozen models. Never reads a file and never prints a secret."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from bridge.contract.hours import WeeklyHours, parse_hours

PLACEHOLDER_CLIENT_ID = UUID(int=0)


def _beside_config(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder", Path())
    return Path(folder, path.expanduser())


ConfigPath = Annotated[Path, AfterValidator(_beside_config)]
"""A path; a relative one starts at the folder of the config file."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=40)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
TopicBase = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_-]+(/[a-z0-9_-]+)*$", max_length=100)
]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/]+(/\S*)?$")]


class Settings(BaseModel):
    """What all tables share: frozen, no unknown keys, no values in error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class MqttSettings(Settings):
    """``[mqtt]``: the broker."""

    host: str = "localhost"
    """An address, a name, or ``unix:/path``."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """1883, or 8883 with TLS, when not given."""
    tls: bool = False
    ca_file: ConfigPath | None = None
    cert_file: ConfigPath | None = None
    key_file: ConfigPath | None = None
    server_name: str | None = None
    """The name in the broker's certificate, when it is reached by another one."""
    username: str | None = None
    password: SecretStr | None = None
    password_file: ConfigPath | None = None
    base_topic: TopicBase = "presence"

    @property
    def effective_port(self) -> int:
        """The port to connect to."""
        return self.port or (8883 if self.tls else 1883)

    @property
    def socket_path(self) -> str | None:
        """The path of a Unix socket, if ``host`` names one."""
        return self.host.removeprefix("unix:") if self.host.startswith("unix:") else None

    @property
    def address(self) -> str:
        """Where the broker is, for people."""
        return self.socket_path or f"{self.host}:{self.effective_port}"

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file beside it")
        if not self.tls and (self.ca_file or self.cert_file or self.server_name):
            raise ValueError("ca_file, cert_file and server_name need tls = true")
        return self


class HomeAssistantSettings(Settings):
    """``[homeassistant]``: discovery."""

    enabled: bool = True
    discovery_prefix: TopicBase = "homeassistant"


class MicrosoftSettings(Settings):
    """``[microsoft]``: the app registration that accounts use, unless they say otherwise."""

    cloud: Literal["global", "us_gov", "us_gov_dod"] = "global"
    tenant: str | None = None
    """A domain, a GUID, or somebody@domain."""
    client_id: UUID | None = None
    login_url: HttpsUrl | None = None
    """Another login address than the cloud's own, for tests and gateways."""
    graph_url: HttpsUrl | None = None
    """Another Graph address than the cloud's own, with its version (…/v1.0)."""


class NetworkSettings(Settings):
    """``[network]``: how Microsoft is reached."""

    proxy: str = ""
    """``http://[user:password@]host:port``; else HTTPS_PROXY and NO_PROXY."""
    ca_file: ConfigPath | None = None
    """Else SSL_CERT_FILE, REQUESTS_CA_BUNDLE or the system's authorities."""

    @field_validator("ca_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None


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


class HoursSettings(Settings):
    """Days and hours, as in ``{ days = "mon-fri", hours = "08:00-18:00" }``."""

    days: str = "all"
    hours: str = "00:00-24:00"

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        self.parsed()
        return self

    def parsed(self) -> WeeklyHours:
        """The hours as a rule."""
        return parse_hours(self.days, self.hours)


class AccountSettings(Settings):
    """``[accounts.NAME]``: one signed-in person. ``[microsoft]`` can be overridden here."""

    name: str = ""
    """Shown to people; the key of the table when empty."""
    sign_in: Literal["device_code"] = "device_code"
    hours: HoursSettings | None = None
    """Outside of them the account is polled at the slowest pace."""
    cloud: Literal["global", "us_gov", "us_gov_dod"] | None = None
    tenant: str | None = None
    client_id: UUID | None = None


class DriverTable(BaseModel):
    """``[drivers.NAME]``: its kind; all else is read by the driver's own models."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    kind: str


class Config(Settings):
    """All of ``config.toml``. Every table may be missing where its program does not need it."""

    state_dir: ConfigPath
    """Token caches, announced topics, light modes."""
    time_zone: str | None = None
    """An IANA name such as Europe/Berlin; the machine's own when not given."""
    mqtt: MqttSettings = MqttSettings()
    homeassistant: HomeAssistantSettings = HomeAssistantSettings()
    microsoft: MicrosoftSettings = MicrosoftSettings()
    network: NetworkSettings = NetworkSettings()
    polling: PollingSettings = PollingSettings()
    accounts: dict[Slug, AccountSettings] = {}
    drivers: dict[Slug, DriverTable] = {}

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where relative paths start: the folder of the config file."""
        return self._folder

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone for hours; ``None`` is the machine's own."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    def microsoft_of(self, account: str) -> MicrosoftSettings:
        """The app registration that ``account`` uses: its own values over ``[microsoft]``."""
        own = self.accounts[account]
        return self.microsoft.model_copy(
            update={
                key: value
                for key in ("cloud", "tenant", "client_id")
                if (value := getattr(own, key)) is not None
            }
        )

    def model_post_init(self, context: Any, /) -> None:
        """Remember where relative paths start."""
        self._folder = Path((context or {}).get("folder", Path()))

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        try:
            if value:
                ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is no time zone: use a name such as Europe/Berlin") from None
        return value

    @model_validator(mode="after")
    def _prefix_is_not_base(self) -> Self:
        if self.homeassistant.discovery_prefix == self.mqtt.base_topic:
            raise ValueError("homeassistant.discovery_prefix and mqtt.base_topic must differ")
        return self
