"""The page: what it shows, who may see it, and what it can ask for. Never reads Microsoft."""

from bridge.web.actions import Actions
from bridge.web.keys import keys_of
from bridge.web.server import Web
from bridge.web.setup_server import SetUp, Trials
from bridge.web.snapshot import Service, Snapshot
from bridge.web.view import View

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
