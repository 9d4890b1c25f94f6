"""The whole ``config.toml`` as frozen models, and its loader. Never starts anything."""

from bridge.config.files import write_private
from bridge.config.loader import check, config_path, load
from bridge.config.models import (
    PLACEHOLDER_CLIENT_ID,
    AccountSettings,
    Config,
    ConfigPath,
    DriverTable,
    HomeAssistantSettings,
    HoursSettings,
    MicrosoftSettings,
    MqttSettings,
    NetworkSettings,
    PollingSettings,
    Settings,
    Slug,
)
from bridge.config.problems import problems, unknown

__all__ = [
    "PLACEHOLDER_CLIENT_ID",
    "AccountSettings",
    "Config",
    "ConfigPath",
    "DriverTable",
    "HomeAssistantSettings",
    "HoursSettings",
    "MicrosoftSettings",
    "MqttSettings",
    "NetworkSettings",
    "PollingSettings",
    "Settings",
    "Slug",
    "check",
    "config_path",
    "load",
    "problems",
    "unknown",
    "write_private",
]
