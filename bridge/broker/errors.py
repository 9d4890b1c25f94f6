"""Says what a broken or refused connection means for people. Never connects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from bridge.broker.session import ConnectionFailedError
from bridge.config import MqttSettings

SHORT_LIVED = 3
"""So many connections in a row that ended soon are a fight: Mosquitto 2.0 does not say why it ended
one."""
_UNSUPPORTED_PROTOCOL = 0x84
_SESSION_TAKEN_OVER = 0x8E
_REFUSALS = {
    0x85: "does not accept the client id",
    0x86: "does not accept the user name or password",
    0x87: "does not let this user in",
    0x8A: "has banned this client",
}


class Kind(Enum):
    """What may be done about it."""

    PASSES = auto()
    """Nothing: it passes by itself."""
    REFUSED = auto()
    """A person must change something."""
    THROWN_OUT = auto()
    """Another program uses the same client id."""
    OLD_BROKER = auto()
    """The next try speaks MQTT 3.1.1."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the connection."""

    kind: Kind
    text: str


def explain(
    error: ConnectionFailedError,
    settings: MqttSettings,
    client_id: str,
    *,
    short_lived: int = 0,
) -> Fault:
    """Say what ``error`` means after ``short_lived`` connections in a row that ended soon."""
    if error.ours:
        return Fault(Kind.REFUSED, f"broker {settings.address} is not asked: {error}")
    if error.code == _UNSUPPORTED_PROTOCOL:
        return Fault(Kind.OLD_BROKER, f"broker {settings.address} speaks no MQTT 5")
    if error.code in _REFUSALS:
        user = settings.username or "anonymous"
        return Fault(
            Kind.REFUSED,
            f"broker {settings.address} {_REFUSALS[error.code]} ({user}): check username and "
            "password_file in [mqtt] and the broker's own users",
        )
    if error.code == _SESSION_TAKEN_OVER:
        return Fault(
            Kind.THROWN_OUT,
            f"another program uses the client id {client_id!r}: two bridges, or two drivers of one "
            "name, run; stop one of the two, or give it another base_topic or name",
        )
    if short_lived >= SHORT_LIVED:
        return Fault(
            Kind.THROWN_OUT,
            f"broker {settings.address} ended several connections soon after it had accepted them "
            f"({error}): probably another program uses the client id {client_id!r}; stop one of "
            "the two, or give it another base_topic or name",
        )
    return Fault(Kind.PASSES, f"broker {settings.address} cannot be reached: {error}")
