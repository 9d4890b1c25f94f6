"""What the broker announced, as far as it binds us. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.doctor.findings import Finding, bad, good

WINDOW = 20
"""Publishes that we have on the way at once."""
KEEP_ALIVE_S = 30
NEEDED = 16 * 1024
"""Bytes: what Home Assistant is told of one person takes about half of it."""
ROOM = 256 * 1024
"""Bytes: no message of ours is larger."""
_RETAIN = bad(
    "broker: keeps no retained messages (Retain Available 0): who starts later knows nothing of "
    "what is true now",
    "Let it keep them: retain_available true in mosquitto.conf.",
)
_QOS = good("broker: Maximum QoS 0: what is lost on the way is told again at the next beat")


def limits(announced: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each limit of CONNACK (MQTT 5, 3.2.2.3) below what we use."""
    if announced.get("retain_available") is False:
        yield _RETAIN
    if announced.get("maximum_qos") == 0:
        yield _QOS
    size = announced.get("maximum_packet_size")
    if size is not None and size < NEEDED:
        yield bad(
            f"broker: Maximum Packet Size {size} bytes: what Home Assistant is told may not pass",
            f"Raise it to {NEEDED} or more: max_packet_size in mosquitto.conf.",
        )
    elif size is not None and size < ROOM:
        yield good(f"broker: Maximum Packet Size {size} bytes")
    window = announced.get("receive_maximum")
    if window is not None and window < WINDOW:
        yield good(f"broker: Receive Maximum {window}: so many messages are on the way at once")
    keep_alive_s = announced.get("keep_alive_s")
    if keep_alive_s is not None and keep_alive_s < KEEP_ALIVE_S:
        yield good(f"broker: Server Keep Alive {keep_alive_s} s")
