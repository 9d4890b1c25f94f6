"""Microsoft Teams presence on MQTT, in Home Assistant and on lamps.

Holds the version and the address for support alone, so that a driver process can import the
contract cheaply.
"""

__version__ = "0.1.0"
SUPPORT_URL = "https://github.com/presence-bridge/presence-bridge"
