"""What the next CONNECT says: MQTT version, client id, and limits learnt from earlier tries."""

from __future__ import annotations

from bridge.broker.limits import fitting, learnt, narrower
from bridge.broker.session import (
    PACKET_TOO_LARGE,
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Silence,
)
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import Clock
from bridge.contract.wire import Message

AGAIN_S = 3600.0
"""After so long what a broker could not do is tried again, with the next connection: it may have
been upgraded, and its settings changed."""
LARGE_BYTES, CUT_OFF = 1024, 3
"""A broker that ends so many connections in a row at the same large publish takes none of it."""
UNSUPPORTED_PROTOCOL, CLIENT_ID_NOT_VALID = 0x84, 0x85
V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311


class Negotiation:
    """The state of it with one broker, from one try to the next.

    3.1.1 is tried as soon as a CONNECT of 5 brings no CONNACK of 5. Only what worked is kept: a
    proxy whose broker is down hangs up as well, on both, and when that is back, 5 is tried first.
    """

    def __init__(self, settings: MqttSettings, client_id: str, clock: Clock) -> None:
        self.settings = settings
        """Of one broker."""
        self._own_client_id, self._clock = client_id, clock
        self._may_change = settings.protocol == "auto"
        self.version = V311 if settings.protocol == "3.1.1" else V5
        """What the next try speaks."""
        self.announced = Limits()
        """By the last CONNACK, and what was known besides."""
        self._known = Limits()
        self._client_id: str | None = None
        self._worked: ProtocolVersion | None = None
        self._learnt_s = 0.0
        self._suspect_bytes = self._cut_off = 0

    @property
    def client_id(self) -> str:
        """Ours, or what the broker called us instead."""
        return self._client_id or self._own_client_id

    @property
    def limits(self) -> Limits:
        """Announced last, or learnt since."""
        return narrower(self._known, self.announced)

    def greeting(self, will: Message | None) -> Greeting:
        """The next CONNECT, with ``will`` as the broker allows it."""
        fitted = fitting(will, self.limits) if will else None
        return Greeting(self.settings, self.client_id, self.version, fitted, self._known)

    def accepted(self, announced: Limits) -> None:
        """A CONNACK came."""
        self._worked, self.announced = self.version, announced
        self._client_id = announced.client_id or self._client_id

    def with_reason(self, error: ConnectionFailedError) -> ConnectionFailedError:
        """``error``; as *packet too large*, for which 3.1.1 has no code, once it came so often."""
        large = error.code is None and self.version is V311 and error.largest_bytes >= LARGE_BYTES
        repeated = large and error.largest_bytes == self._suspect_bytes
        self._cut_off = self._cut_off + 1 if repeated else int(large)
        self._suspect_bytes = error.largest_bytes
        if self._cut_off < CUT_OFF:
            return error
        self._cut_off = 0
        largest_bytes = error.largest_bytes
        return ConnectionFailedError(str(error), code=PACKET_TOO_LARGE, largest_bytes=largest_bytes)

    def failed(self, error: ConnectionFailedError, *, stood: bool) -> bool:
        """A connection, which ``stood`` or not, ended; whether another try at once may work."""
        if stood:
            before, self._known = self._known, learnt(self._known, error)
            if self._known != before:
                self._learnt_s = self._clock.monotonic()
        elif error.code is None or error.code == UNSUPPORTED_PROTOCOL:
            if self._may_change and self._may_mean_the_version(error):
                return self._try_the_other(at_once=error.unanswered is not Silence.LASTS)
            if self._may_change and self._worked is not self.version:
                self.version = self._worked or V5
        else:  # who refuses in its words speaks them
            self._worked = self.version
            if error.code == CLIENT_ID_NOT_VALID and self._client_id:
                self._client_id = None
                return True
            before = self.announced
            self.announced = learnt(before, error)  # as for the will
            if self.announced != before:
                return True
        if self._clock.monotonic() - self._learnt_s >= AGAIN_S:
            self._known = Limits()
            self.version = V5 if self._may_change else self.version
        return False

    def _may_mean_the_version(self, error: ConnectionFailedError) -> bool:
        if error.unanswered is Silence.LASTS:  # a broker that stands still is silent as well
            return self._worked is not V5
        return error.code == UNSUPPORTED_PROTOCOL or error.unanswered is not None

    def _try_the_other(self, *, at_once: bool) -> bool:
        if self.version is V5:
            self.version, self._learnt_s = V311, self._clock.monotonic()
            return at_once
        self.version = V5
        return False
