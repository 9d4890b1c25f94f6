"""When a stored message is forgotten: the property for it, packed once. Never sends anything."""

from __future__ import annotations

from functools import lru_cache

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


class _Packed(Properties):
    """Properties of a PUBLISH whose bytes are kept: paho makes them slowly, for each message."""

    def __init__(self, expiry_s: int) -> None:
        super().__init__(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        self.MessageExpiryInterval = expiry_s
        packed: bytes = super().pack()  # type: ignore[no-untyped-call]
        object.__setattr__(self, "packed", packed)  # paho takes no names but those of properties

    def pack(self) -> bytes:
        packed: bytes = object.__getattribute__(self, "packed")
        return packed


@lru_cache(maxsize=64)
def expiring(seconds: int) -> Properties:
    """The properties of a message that expires (MQTT 5, 3.3.2.3.3)."""
    return _Packed(seconds)
