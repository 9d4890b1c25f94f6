"""What makes a config: ``presence-bridge init``, and what the guided set-up writes."""

from bridge.setup.config import PASSWORD_FILE, InitOptions, write_config
from bridge.setup.files import initialise, steps
from bridge.setup.hand_over import Host
from bridge.setup.moving import to_fill_in

__all__ = [
    "PASSWORD_FILE",
    "Host",
    "InitOptions",
    "initialise",
    "steps",
    "to_fill_in",
    "write_config",
]
