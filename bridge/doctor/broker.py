"""How the broker takes us. Never publishes."""

from __future__ import annotations

from bridge.broker import visit
from bridge.config import Config
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.topics import ONLINE, Topics
from bridge.doctor.cures import broker_cure
from bridge.doctor.findings import Finding, bad, good

LOOK_S = 2.0


async def broker(config: Config) -> tuple[Finding, bool]:
    """How the broker takes us, and whether a bridge is online there."""
    topic = Topics(config.mqtt.base_topic).bridge_state
    try:
        received = await visit(config.mqtt, follow=[topic], within_s=LOOK_S)
    except PresenceBridgeError as error:
        text = str(error).removeprefix("broker ")
        return bad(f"broker: {text}", broker_cure(error)), False
    who = config.mqtt.username or "anonymous"
    online = any(message.payload == ONLINE.encode() for message in received)
    return good(f"broker: {config.mqtt.address} lets {who} in"), online
