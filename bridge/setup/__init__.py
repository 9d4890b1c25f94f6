"""What makes a config: ``presence-bridge init``, and what the guided set-up writes.

Never overwrites what a person wrote.
"""

from bridge.setup.config import InitOptions, write_config
from bridge.setup.content import PASSWORD_FILE
from bridge.setup.files import initialise
from bridge.setup.zone import is_zone, known_zone

__all__ = ["PASSWORD_FILE", "InitOptions", "initialise", "is_zone", "known_zone", "write_config"]
