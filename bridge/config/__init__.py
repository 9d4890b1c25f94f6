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
from bridge.config.loader import check, config_path, from_environment, load, load_host
from bridge.config.problems import problems, unknown
from bridge.config.state_file import StateFile

if TYPE_CHECKING:
    from bridge.config.accounts import (
        PLACEHOLDER_CLIENT_ID,
        AccountSettings,
        CertificateSettings,
        MicrosoftSettings,
    )
    from bridge.config.added import AddedPeople, slug_of, with_added
    from bridge.config.hours import HoursSettings
    from bridge.config.models import Config, NetworkSettings, PollingSettings, SecuritySettings
    from bridge.config.web import WebSettings

_LATER = {
    "accounts": (
        "PLACEHOLDER_CLIENT_ID",
        "AccountSettings",
        "CertificateSettings",
        "MicrosoftSettings",
    ),
    "hours": ("HoursSettings",),
    "added": ("AddedPeople", "slug_of", "with_added"),
    "models": ("Config", "NetworkSettings", "PollingSettings", "SecuritySettings"),
    "web": ("WebSettings",),
}
_MODULES = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "PLACEHOLDER_CLIENT_ID",
    "AccountSettings",
    "AddedPeople",
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
    "StateFile",
    "WebSettings",
    "check",
    "config_path",
    "from_environment",
    "load",
    "load_host",
    "problems",
    "slug_of",
    "unknown",
    "with_added",
    "write_private",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"bridge.config.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
