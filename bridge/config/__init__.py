"""The whole ``config.toml`` as frozen models, and its loader. Never starts anything.

The bridge's own tables are loaded when they are first asked for: a lamp's process has no use for
them, and they are a megabyte.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bridge.config.base import ConfigPath, Settings, Slug
from bridge.config.files import write_private
from bridge.config.host import DriverTable, HomeAssistantSettings, HostConfig, MqttSettings
from bridge.config.loader import check, config_path, load, load_host
from bridge.config.problems import problems, unknown

if TYPE_CHECKING:
    from bridge.config.accounts import (
        PLACEHOLDER_CLIENT_ID,
        AccountSettings,
        CertificateSettings,
        HoursSettings,
        MicrosoftSettings,
    )
    from bridge.config.models import Config, NetworkSettings, PollingSettings, SecuritySettings

_ACCOUNTS = {
    "PLACEHOLDER_CLIENT_ID",
    "AccountSettings",
    "CertificateSettings",
    "HoursSettings",
    "MicrosoftSettings",
}
_MODELS = {"Config", "NetworkSettings", "PollingSettings", "SecuritySettings"}

__all__ = [
    "PLACEHOLDER_CLIENT_ID",
    "AccountSettings",
    "CertificateSettings",
    "Config",
    "ConfigPath",
    "DriverTable",
    "HomeAssistantSettings",
    "HostConfig",
    "HoursSettings",
    "MicrosoftSettings",
    "MqttSettings",
    "NetworkSettings",
    "PollingSettings",
    "SecuritySettings",
    "Settings",
    "Slug",
    "check",
    "config_path",
    "load",
    "load_host",
    "problems",
    "unknown",
    "write_private",
]


def __getattr__(name: str) -> Any:
    if name in _ACCOUNTS:
        return getattr(import_module("bridge.config.accounts"), name)
    if name in _MODELS:
        return getattr(import_module("bridge.config.models"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
