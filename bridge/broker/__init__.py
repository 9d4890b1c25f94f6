"""One MQTT connection that comes back for ever. What the messages mean is no matter here."""

from bridge.broker.broker import Broker
from bridge.broker.connection import connect
from bridge.broker.lease import Leader, Lease, leader_of
from bridge.broker.session import Connect, Received, Session, SubscriptionRefusedError
from bridge.broker.visit import PublishRefusedError, collect, visit, visiting

__all__ = [
    "Broker",
    "Connect",
    "Leader",
    "Lease",
    "PublishRefusedError",
    "Received",
    "Session",
    "SubscriptionRefusedError",
    "collect",
    "connect",
    "leader_of",
    "visit",
    "visiting",
]
