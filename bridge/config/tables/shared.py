"""The tables that the bridge and lamps share: ``[mqtt]``, ``[homeassistant]`` and ``[drivers]``.

A lamp's process does not load the models of the bridge's own tables.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    field_validator,
    model_validator,
)

from bridge.config.tables.base import ConfigPath, HostAddress, Settings, Slug, is_zone, matching
from bridge.config.tables.topic import BirthTopic, TopicBase
from bridge.contract.topics import Topics

Port = Annotated[int, Field(ge=1, le=65535)]
_WITH_PORT = re.compile(r"(\[[^\]]+\]|[^:/]+):(\d+)")
Protocol = Literal["auto", "5", "3.1.1"]
_PROTOCOLS = get_args(Protocol)
ClientIdPrefix = Annotated[
    str,
    matching(r"[!-~]{1,60}", "can have letters, digits and signs, no spaces, 60 at the most"),
]


class BrokerAddress(Settings):
    """One of several brokers in ``mqtt.hosts``: ``"name"``, ``"name:port"``, or a table."""

    host: HostAddress
    port: Port | None = None
    """As ``port`` in ``[mqtt]`` when not given."""
    server_name: str | None = None
    """As ``server_name`` in ``[mqtt]`` when not given."""

    @model_validator(mode="before")
    @classmethod
    def _may_be_text(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        both = _WITH_PORT.fullmatch(value.strip())
        return {"host": both[1], "port": both[2]} if both else {"host": value}


class MqttSettings(Settings):
    """``[mqtt]``: the broker, or several that share all messages."""

    host: HostAddress = "localhost"
    """An address, a name, or ``unix:/path``."""
    hosts: Annotated[tuple[BrokerAddress, ...], Field(min_length=1)] | None = None
    """Instead of ``host``: the first that answers is used, and left when it fails."""
    port: Port | None = None
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
    protocol: Protocol = "auto"
    """The version of MQTT; ``auto`` is 5, and 3.1.1 where the broker does not speak that."""
    client_id: ClientIdPrefix | None = None
    """How all of our client ids begin; as ``base_topic`` when not given."""

    @property
    def is_named(self) -> bool:
        """Whether somebody said where the broker is."""
        return not self.model_fields_set.isdisjoint({"host", "hosts"})

    @property
    def brokers(self) -> tuple[MqttSettings, ...]:
        """These settings for each broker alone, in the order of the config."""
        alone = [
            {
                "host": each.host,
                "port": each.port or self.port,
                "server_name": each.server_name or self.server_name,
                "hosts": None,
            }
            for each in self.hosts or ()
        ]
        return tuple(self.model_copy(update=each) for each in alone) or (self,)

    @property
    def user(self) -> str:
        """Who we are to the broker, for people."""
        return self.username or "anonymous"

    def client_id_of(self, part: str) -> str:
        """Stable, one a program: a random one makes entities stick at unavailable."""
        return f"{self.client_id or self.base_topic.replace('/', '_')}-{part}"

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
        if self.hosts:
            return ", ".join(each.address for each in self.brokers)
        return self.socket_path or f"{self.host}:{self.effective_port}"

    @field_validator("protocol", mode="before")
    @classmethod
    def _is_a_version(cls, value: Any) -> Any:
        """A number is what people write first."""
        text = {"5.0": "5"}.get(str(value), str(value))
        if text not in _PROTOCOLS:
            raise ValueError("must be one of " + ", ".join(f'"{each}"' for each in _PROTOCOLS))
        return text

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file beside it")
        names = [self.server_name, *(each.server_name for each in self.hosts or ())]
        if not self.tls and (self.ca_file or self.cert_file or any(names)):
            raise ValueError("ca_file, cert_file and server_name need tls = true")
        if self.hosts and "host" in self.model_fields_set:
            raise ValueError(
                "host and hosts are both given, in config.toml or as PRESENCE_MQTT__HOST and "
                "PRESENCE_MQTT__HOSTS: leave one out"
            )
        return self


class HomeAssistantSettings(Settings):
    """``[homeassistant]``: discovery."""

    enabled: bool = True
    discovery_prefix: TopicBase = "homeassistant"
    birth_topic: BirthTopic = ""
    """Where Home Assistant says ``online``; when empty, ``status`` below the discovery prefix, and
    ``homeassistant/status``."""


class DriverTable(BaseModel):
    """``[drivers.NAME]``: its kind; all else is read by the driver's own models."""

    model_config = ConfigDict(
        frozen=True, extra="allow", hide_input_in_errors=True, defer_build=True
    )

    kind: str


BRIDGE_TABLES = ("microsoft", "network", "security", "standby", "polling", "web", "accounts")
"""Tables of the same file that only the bridge reads."""


class HostConfig(Settings):
    """The part of ``config.toml`` that a host with nothing but a lamp needs."""

    state_dir: ConfigPath
    """Token caches, announced topics, light modes."""
    time_zone: str | None = None
    """An IANA name such as Europe/Berlin; the machine's own when not given."""
    mqtt: MqttSettings = Field(default_factory=MqttSettings)
    homeassistant: HomeAssistantSettings = Field(default_factory=HomeAssistantSettings)
    drivers: dict[Slug, DriverTable] = Field(default_factory=dict)

    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """Where relative paths start: the folder of the config file."""
        return self._folder

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone for hours; ``None`` is the machine's own."""
        return ZoneInfo(self.time_zone) if self.time_zone else None

    @property
    def topics(self) -> Topics:
        """All topics, as the tables name them."""
        said = self.homeassistant
        return Topics(self.mqtt.base_topic, said.discovery_prefix, said.birth_topic)

    def model_post_init(self, context: Any, /) -> None:
        """Remember where relative paths start."""
        self._folder = Path((context or {}).get("folder", Path()))

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, value: str | None) -> str | None:
        if value and not is_zone(value):
            raise ValueError("is not a time zone: use a name such as Europe/Berlin")
        return value

    @model_validator(mode="after")
    def _home_assistant_speaks_elsewhere(self) -> Self:
        base, said = self.mqtt.base_topic, self.homeassistant
        if said.discovery_prefix == base:
            raise ValueError(
                "homeassistant.discovery_prefix and mqtt.base_topic must differ: leave base_topic "
                "out, or write a word of its own there"
            )
        if f"{said.birth_topic}/".startswith(f"{base}/"):
            raise ValueError(
                f"homeassistant.birth_topic must not be below {base}, where we speak ourselves: "
                "write the topic that Home Assistant uses"
            )
        return self
