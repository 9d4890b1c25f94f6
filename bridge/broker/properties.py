"""What the properties of CONNACK, PUBACK and DISCONNECT say, for paho-mqtt. Never sends."""

from __future__ import annotations

from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.broker.session import ConnectionFailedError, Limits

TEXT_MOST = 200


def announced(properties: Properties | None) -> Limits:
    """The limits in a CONNACK (MQTT 5, 3.2.2.3); a limit of nothing at all is none."""
    values = properties.json() if properties else {}  # type: ignore[no-untyped-call]
    return Limits(
        receive_maximum=values.get("ReceiveMaximum") or 65535,
        maximum_packet_size=values.get("MaximumPacketSize") or None,
        maximum_qos=values.get("MaximumQoS", 2),
        retain_available=bool(values.get("RetainAvailable", True)),
        wildcards=bool(values.get("WildcardSubscriptionAvailable", True)),
        keep_alive_s=values.get("ServerKeepAlive"),
        client_id=_clean(values.get("AssignedClientIdentifier", "")) or None,
    )


def words(reason: ReasonCode, properties: Properties | None) -> str:
    """The reason, and what the broker adds to it."""
    said = _said(properties)
    return f"{reason}: {said}"[:TEXT_MOST] if said else str(reason)


def told(
    reason: ReasonCode, properties: Properties | None, *, largest_bytes: int = 0
) -> ConnectionFailedError:
    """Why the broker refused or ended a connection."""
    return ConnectionFailedError(
        words(reason, properties),
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
