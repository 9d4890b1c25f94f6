"""The page: what it shows, who may see it, and what it can ask for. Never reads Microsoft.

A module is loaded with the first of its names: what serves the commands alone needs no page.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.web.actions import Actions
    from bridge.web.keys import keys_of
    from bridge.web.server import Web
    from bridge.web.setup_server import SetUp, Trials
    from bridge.web.snapshot import Service, Snapshot
    from bridge.web.view import View

_MODULES = {
    "Actions": "actions",
    "Service": "snapshot",
    "SetUp": "setup_server",
    "Snapshot": "snapshot",
    "Trials": "setup_server",
    "View": "view",
    "Web": "server",
    "keys_of": "keys",
}

__all__ = [
    "Actions",
    "Service",
    "SetUp",
    "Snapshot",
    "Trials",
    "View",
    "Web",
    "keys_of",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"bridge.web.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
