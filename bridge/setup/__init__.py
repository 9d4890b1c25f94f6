"""What makes a config: ``presence-bridge init``, and what the guided set-up writes."""

from bridge.setup.config import CA_FILE, PASSWORD_FILE, InitOptions, write_config
from bridge.setup.files import initialise

__all__ = ["CA_FILE", "PASSWORD_FILE", "InitOptions", "initialise", "write_config"]
