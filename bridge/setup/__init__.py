"""What makes a config: ``presence-bridge init``, and what the guided set-up writes."""

from bridge.setup.config import CA_FILE, PASSWORD_FILE, InitOptions, write_config
from bridge.setup.files import steps
from bridge.setup.hand_over import Host
from bridge.setup.moving import to_fill_in
from bridge.setup.place import place_of

__all__ = [
    "CA_FILE",
    "PASSWORD_FILE",
    "Host",
    "InitOptions",
    "place_of",
    "steps",
    "to_fill_in",
    "write_config",
]
