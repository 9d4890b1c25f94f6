"""Microsoft Teams presence on MQTT, in Home Assistant and on lamps.

Holds the version and nothing else, so that a driver process can import the contract cheaply.
"""

__version__ = "0.1.0"
