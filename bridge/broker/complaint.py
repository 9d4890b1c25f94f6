"""Turns a broken or refused connection into one line for people. Never connects."""

from __future__ import annotations

from dataclasses import dataclass

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from bridge.config import MqttSettings

REFUSED_S = 300.0
"""Wait after refused credentials: only a person changes that."""
TAKEN_OVER_S = 60.0

UNSUPPORTED_PROTOCOL = 132
SESSION_TAKEN_OVER = 142
_REFUSALS = {
    133: "does not accept the client id",
    134: "does not accept the user name or password",
    135: "does not let this user in",
    138: "has banned this client",
}


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is wrong with the connection."""

    text: str
    wait_s: float | None = None
    """Seconds to wait when it takes a person; ``None`` when it passes by itself."""


def complaint(error: BaseException, settings: MqttSettings, client_id: str) -> Complaint:
    """Say what ``error`` means for the broker of ``settings`` and what to do."""
    code = reason_code(error)
    if code in _REFUSALS:
        return Complaint(
            f"broker {settings.address} {_REFUSALS[code]} ({settings.username or 'anonymous'}): "
            "check username and password_file in [mqtt] and the broker's own users",
            wait_s=REFUSED_S,
        )
    if code == SESSION_TAKEN_OVER:
        return Complaint(
            f"another process uses the client id {client_id!r}: stop one of the two, "
            "or give one another base_topic",
            wait_s=TAKEN_OVER_S,
        )
    ended = "Disconnected" in str(error)  # as aiomqtt puts it
    reason = "the connection ended" if ended else error
    return Complaint(f"broker {settings.address} cannot be reached: {reason}")


def reason_code(error: BaseException) -> int | None:
    """The MQTT 5 reason code in ``error`` or its cause; paho translates those of 3.1.1."""
    for told in (error, error.__cause__):
        if isinstance(told, aiomqtt.MqttCodeError) and isinstance(told.rc, ReasonCode):
            return int(told.rc.value)
    return None
