"""Reads the sources, each at its pace, and reports the facts that are news."""

from bridge.polling.epoch import Epoch
from bridge.polling.facts import EpochAt
from bridge.polling.health import Status, fold
from bridge.polling.poller import Poller
from bridge.polling.source import Source

__all__ = ["Epoch", "EpochAt", "Poller", "Source", "Status", "fold"]
