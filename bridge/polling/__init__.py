"""When which account is read, and what follows from it. Never speaks HTTP or MQTT."""

from bridge.polling.health import fold
from bridge.polling.poller import Poller, Status
from bridge.polling.source import Source

__all__ = ["Poller", "Source", "Status", "fold"]
