"""One MQTT connection, kept for ever. Never knows what the messages mean."""

from bridge.broker.broker import Broker
from bridge.broker.connection import connect
from bridge.broker.session import Connect, Received, SubscriptionRefusedError
from bridge.broker.visit import visit

__all__ = ["Broker", "Connect", "Received", "SubscriptionRefusedError", "connect", "visit"]
