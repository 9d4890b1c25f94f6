"""Microsoft Teams presence on MQTT, in Home Assistant and on lamps.

Nothing but the version and where the project lives, so that a driver process can import the
contract cheaply.
"""

__version__ = "0.1.0"
REPOSITORY = "https://github.com/presence-bridge/presence-bridge"
"""A fork changes it here; a test names the files that must say the same."""
DOCS_URL = f"{REPOSITORY}/blob/main/docs"
SUPPORT_URL = f"{DOCS_URL}/troubleshooting.md"
"""Shown by Home Assistant with each device."""
