"""One MQTT connection, kept for ever. Never knows what the messages mean."""

from bridge.broker.broker import Broker
from bridge.broker.connection import connect
from bridge.broker.session import Connect, Received, Session, SubscriptionRefusedError
from bridge.broker.visit import PublishRefusedError, collect, visit, visiting

__all__ = [
    "Broker",
    "Connect",
    "PublishRefusedError",
    "Received",
    "Session",
    "SubscriptionRefusedError",
    "collect",
    "connect",
    "visit",
    "visiting",
]
