"""What a broker takes: applied to each message, learnt from refusals, and said in words.

Sections are those of MQTT 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.broker.session import PACKET_TOO_LARGE, ConnectionFailedError, Limits, Refusal
from bridge.broker.window import WINDOW
from bridge.contract.wire import Message

HEADERS = 32
"""Bytes of a PUBLISH beside topic and payload, at the most."""
RECEIVE_MAXIMUM_EXCEEDED, RETAIN_NOT_SUPPORTED, QOS_NOT_SUPPORTED = 0x93, 0x9A, 0x9B


def size(message: Message) -> int:
    """Bytes of the packet, at the most."""
    return len(message.topic.encode()) + len(message.payload) + HEADERS


def fitting(message: Message, limits: Limits) -> Message:
    """``message`` at a QoS, and retained or not, as the broker allows (3.2.2.3.4, 3.2.2.3.5)."""
    qos = min(message.qos, limits.maximum_qos)
    retain = message.retain and limits.retain_available
    if (qos, retain) == (message.qos, message.retain):
        return message
    return message._replace(qos=qos, retain=retain)


def too_large(message: Message, limits: Limits) -> Refusal | None:
    """The refusal of what is larger than the broker takes (3.2.2.3.6)."""
    most = limits.maximum_packet_size
    if most is None or size(message) <= most:
        return None
    reason = f"{len(message.payload)} bytes, and it takes no packet of more than {most}"
    return Refusal(message, PACKET_TOO_LARGE, reason)


def narrower(known: Limits, announced: Limits) -> Limits:
    """The stricter of both."""
    sizes = [known.maximum_packet_size, announced.maximum_packet_size]
    return replace(
        announced,
        receive_maximum=min(known.receive_maximum, announced.receive_maximum),
        maximum_packet_size=min((most for most in sizes if most is not None), default=None),
        maximum_qos=min(known.maximum_qos, announced.maximum_qos),
        retain_available=known.retain_available and announced.retain_available,
    )


def learnt(known: Limits, error: ConnectionFailedError) -> Limits:
    """What is known of a broker's limits once it has refused or ended a connection by ``error``."""
    if error.code == RETAIN_NOT_SUPPORTED:
        return replace(known, retain_available=False)
    if error.code == QOS_NOT_SUPPORTED:
        return replace(known, maximum_qos=0)  # nothing of ours is sent above 1
    if error.code == RECEIVE_MAXIMUM_EXCEEDED:
        return replace(known, receive_maximum=max(1, min(WINDOW, known.receive_maximum) // 2))
    if error.code == PACKET_TOO_LARGE and error.largest_bytes > HEADERS:
        return replace(known, maximum_packet_size=error.largest_bytes - 1)
    return known


def lacks(limits: Limits) -> Iterator[str]:
    """What people miss at a broker, with its remedy; completes "the broker ..."."""
    if not limits.retain_available:
        yield (
            "keeps nothing (retain is not available): after they start, Home Assistant and lamps "
            "know nothing until something changes; let it keep messages (retain_available in "
            "Mosquitto), or use another broker"
        )
    if limits.maximum_qos == 0:
        yield "takes messages at QoS 0 only: one may be lost, and the next beat repeats it"
