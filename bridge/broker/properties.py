"""Properties of MQTT 5 packets, as paho-mqtt has them: read from a broker, made for a PUBLISH."""

from __future__ import annotations

from functools import lru_cache

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.broker.session import ConnectionFailedError, Limits
from bridge.broker.window import WINDOW

TEXT_MOST = 200


def made(packet: int, **values: int) -> Properties:
    """The properties of a ``packet`` of ours, by the names that paho has for them."""
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def announced(properties: Properties | None) -> Limits:
    """The limits in a CONNACK (MQTT 5, 3.2.2.3); a limit of nothing at all is none.

    ``None`` is that of 3.1.1, which has no words for it: such a broker is spared.
    """
    values = properties.json() if properties else {}  # type: ignore[no-untyped-call]
    return Limits(
        receive_maximum=WINDOW if properties is None else values.get("ReceiveMaximum") or 65535,
        maximum_packet_size=values.get("MaximumPacketSize") or None,
        maximum_qos=values.get("MaximumQoS", 2),
        retain_available=bool(values.get("RetainAvailable", True)),
        wildcards=bool(values.get("WildcardSubscriptionAvailable", True)),
        keep_alive_s=values.get("ServerKeepAlive"),
        client_id=_clean(values.get("AssignedClientIdentifier", "")) or None,
    )


def reason_text(reason: ReasonCode, properties: Properties | None) -> str:
    """The reason, and what the broker adds to it."""
    said = _said(properties)
    return f"{reason}: {said}"[:TEXT_MOST] if said else str(reason)


def failure(
    reason: ReasonCode, properties: Properties | None, *, largest_bytes: int = 0
) -> ConnectionFailedError:
    """Why the broker refused or ended a connection."""
    return ConnectionFailedError(
        reason_text(reason, properties),
        code=reason.value,
        said=_said(properties),
        server=_clean(getattr(properties, "ServerReference", "")),
        largest_bytes=largest_bytes,
    )


def _said(properties: Properties | None) -> str:
    return _clean(getattr(properties, "ReasonString", ""))


def _clean(text: str) -> str:
    """One line without control characters: anybody may call himself a broker."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:TEXT_MOST]


class _Packed(Properties):
    """Properties of a PUBLISH, packed once: paho packs them slowly, for each message."""

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
