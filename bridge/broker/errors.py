"""Says what a broken or refused connection means for people. Never connects."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.broker.reasons import REASONS, Kind, Reason
from bridge.broker.session import ConnectionFailedError, Silence
from bridge.config.host import MqttSettings

SHORT_LIVED = 3
"""So many connections in a row that ended soon are a fight: Mosquitto 2.0 does not say why it ended
one."""
_ABOUT_USERS = (0x86, 0x87, 0x8A, 0x8C)
_ELSEWHERE = (0x9C, 0x9D)
_CLIENT_ID, _SESSION_TAKEN_OVER = 0x85, 0x8E


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
    if error.code == _SESSION_TAKEN_OVER:
        return Fault(
            Kind.THROWN_OUT,
            f"another program uses the client id {client_id!r}: two bridges, or two drivers of one "
            "name, run; stop one of the two, or give it another base_topic, client_id or name",
        )
    reason = None if error.code is None else REASONS.get(error.code)
    if reason is not None:
        again = short_lived >= SHORT_LIVED and reason.kind is Kind.PASSES
        return Fault(
            Kind.SLOWLY if again else reason.kind, _text(reason, error, settings, client_id)
        )
    if short_lived >= SHORT_LIVED:
        return Fault(
            Kind.THROWN_OUT,
            f"broker {settings.address} ended several connections soon after it had accepted them "
            f"({error}): probably another program uses the client id {client_id!r}; stop one of "
            "the two, or give it another base_topic, client_id or name",
        )
    cannot = f"broker {settings.address} cannot be reached: {error}"
    if error.unanswered is Silence.ENDED and settings.protocol != "auto":
        cannot += f'; if it speaks no MQTT {settings.protocol}, set protocol = "auto" in [mqtt]'
    return Fault(Kind.PASSES, cannot)


def _text(
    reason: Reason, error: ConnectionFailedError, settings: MqttSettings, client_id: str
) -> str:
    who = f"0x{error.code:02X}"
    if error.code == _CLIENT_ID:
        who = repr(client_id)
    elif error.code in _ABOUT_USERS:
        who = settings.user
    elif error.code in _ELSEWHERE:
        who = error.server or who
    said = f"; it says: {error.said}" if error.said else ""
    return f"broker {settings.address} {reason.what} ({who}{said}): {reason.cure}"
