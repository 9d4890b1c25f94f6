"""When which account is read, and what follows from it. Never speaks HTTP or MQTT."""

from bridge.polling.epoch import Epoch
from bridge.polling.health import fold
from bridge.polling.known import EpochAt
from bridge.polling.poller import Poller
from bridge.polling.source import Source
from bridge.polling.status import Status

__all__ = ["Epoch", "EpochAt", "Poller", "Source", "Status", "fold"]
