"""One MQTT connection, kept for ever. Never knows what the messages mean."""

from bridge.broker.connection import Received
from bridge.broker.keeper import Broker
from bridge.broker.visit import visit

__all__ = ["Broker", "Received", "visit"]
