"""What a refused or broken connection means for people, and who must do what about it.

The codes are those of CONNACK and DISCONNECT in MQTT 5, 2.4; return codes of 3.1.1 are said as
the ones that they became. None is left out, since a code without words is no help to anybody; the
one of a client id that another program took is in ``dispute.py``.
"""

from __future__ import annotations

from enum import Enum, auto
from functools import partial
from typing import NamedTuple

from bridge.broker.dispute import SHORT_LIVED, another_program
from bridge.broker.session import ConnectionFailedError, Silence
from bridge.config.tables.shared import MqttSettings

_ABOUT_USERS = (0x86, 0x87, 0x8A, 0x8C)
_REDIRECTS = (0x9C, 0x9D)
_CLIENT_ID = 0x85


class Kind(Enum):
    """What may be done about it."""

    PASSES = auto()
    """Nothing: it passes by itself."""
    REFUSED = auto()
    """A person must change something."""
    SLOWLY = auto()
    """Each further try makes it worse, and only a person or time mends it."""
    THROWN_OUT = auto()
    """Another program uses the same client id."""


class Reason(NamedTuple):
    """``what`` completes "the broker ..."; ``remedy`` says who must do what."""

    kind: Kind
    what: str
    remedy: str


_USERS = "check username and password_file in [mqtt] and the broker's own users"
_REPORT = "please report this with the name and version of the broker"
_ITS_LOG = "the broker's own log says why"
_ELSEWHERE = (
    "nobody is followed to another server by itself: ask who runs the broker, and if it is right, "
    "set host in [mqtt]"
)
_TOPIC_RULES = "change its rules for topics, or base_topic in [mqtt]"
_BUG = "says that something of ours broke its rules"
_passes = partial(Reason, Kind.PASSES)
_refused = partial(Reason, Kind.REFUSED)
_slowly = partial(Reason, Kind.SLOWLY)
REASONS = {
    0x00: _passes("ended the connection", _ITS_LOG),
    0x80: _passes("gives no reason", _ITS_LOG),
    0x81: _slowly(f"{_BUG} (malformed packet)", _REPORT),
    0x82: _slowly(f"{_BUG} (protocol error)", _REPORT),
    0x83: _slowly("has a reason that only it knows", _ITS_LOG),
    0x84: _refused(
        "does not speak this version of MQTT",
        'set protocol = "auto" in [mqtt], or use a broker that speaks 5 or 3.1.1',
    ),
    0x85: _refused(
        "does not accept the client id",
        "choose how it begins with client_id in [mqtt], or change the broker's rules for client "
        "ids",
    ),
    0x86: _refused("does not accept the user name or password", _USERS),
    0x87: _refused(
        "does not let this user in",
        f"{_USERS}, and its rules for client ids (client_id in [mqtt])",
    ),
    0x88: _passes("is not available", "if it stays so, who runs it must look"),
    0x89: _passes("is busy", "if it stays so, who runs it must give it more room"),
    0x8A: _refused(
        "has banned this client",
        "who runs the broker must lift the ban (after too many wrong passwords, often by itself); "
        "check username and password_file in [mqtt]",
    ),
    0x8B: _passes("is shutting down", "who runs it must start it again"),
    0x8C: _refused(
        "wants another way to authenticate",
        "who runs the broker must let this user in with a user name and password or a certificate",
    ),
    0x8D: _passes(
        "heard nothing from us in time",
        "if it comes again, the network in between loses packets or this machine stands still",
    ),
    0x8F: _slowly("does not allow a topic filter of ours", _TOPIC_RULES),
    0x90: _slowly("does not allow a topic of ours", _TOPIC_RULES),
    0x91: _slowly(f"{_BUG} (packet identifier in use)", _REPORT),
    0x92: _slowly(f"{_BUG} (packet identifier not found)", _REPORT),
    0x93: _slowly(
        "takes fewer unacknowledged messages at a time than it announced",
        "we send fewer at a time from now on; who runs it may raise its receive maximum "
        "(max_inflight_messages in Mosquitto)",
    ),
    0x94: _slowly(f"{_BUG} (topic alias, of which we have none)", _REPORT),
    0x95: _slowly(
        "takes no packet as large as ours",
        "what is so large is left out from now on; who runs it must raise its largest packet "
        "(max_packet_size in Mosquitto)",
    ),
    0x96: _slowly(
        "takes fewer messages in a time than we send",
        "who runs it must raise its limit of messages a second",
    ),
    0x97: _slowly(
        "says that a quota is used up",
        "who runs it must raise it, or end what uses it up: connections, messages or what is "
        "stored",
    ),
    0x98: _passes("ended the connection on request", "who runs it knows why"),
    0x99: _slowly(f"{_BUG} (payload format)", _REPORT),
    0x9A: _slowly(
        "keeps no messages and refuses those that are to be kept",
        "who runs it must let it keep them (retain_available in Mosquitto)",
    ),
    0x9B: _slowly("takes no messages at this QoS", "who runs it must allow QoS 1 (or 0)"),
    0x9C: _refused("sends us for now to another server", _ELSEWHERE),
    0x9D: _refused("has moved to another server", _ELSEWHERE),
    0x9E: _slowly(f"{_BUG} (shared subscription, of which we have none)", _REPORT),
    0x9F: _slowly(
        "has had too many connections in a short time",
        "if it stays so, another program connects again and again, or who runs it must raise its "
        "limit",
    ),
    0xA0: _passes("ends each connection after a time", "nothing has to be done"),
    0xA1: _slowly(f"{_BUG} (subscription identifier, of which we have none)", _REPORT),
    0xA2: _slowly("allows no wildcards in subscriptions", "who runs it must allow them"),
}


class Fault(NamedTuple):
    """What is wrong with the connection."""

    kind: Kind
    text: str


def explain(
    error: ConnectionFailedError, settings: MqttSettings, client_id: str, *, short_lived: int = 0
) -> Fault:
    """Say what ``error`` means after ``short_lived`` connections in a row that ended soon."""
    if error.ours:
        return Fault(Kind.REFUSED, f"broker {settings.address} is not asked: {error}")
    if other := another_program(error, settings, client_id, short_lived=short_lived):
        return Fault(Kind.THROWN_OUT, other)
    reason = None if error.code is None else REASONS.get(error.code)
    if reason is not None:
        again = short_lived >= SHORT_LIVED and reason.kind is Kind.PASSES
        kind = Kind.SLOWLY if again else reason.kind
        return Fault(kind, _text(reason, error, settings, client_id))
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
    elif error.code in _REDIRECTS:
        who = error.server or who
    said = f"; it says: {error.said}" if error.said else ""
    return f"broker {settings.address} {reason.what} ({who}{said}): {reason.remedy}"
