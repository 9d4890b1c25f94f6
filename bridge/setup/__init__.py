"""``presence-bridge init``: config, secrets, broker passwords. Never overwrites anything."""

from bridge.setup.files import InitOptions, initialise

__all__ = ["InitOptions", "initialise"]
