"""What earlier tries have taught about a broker: version, limits, client id. Never connects."""

from __future__ import annotations

from bridge.broker.limits import narrower, taught
from bridge.broker.session import (
    PACKET_TOO_LARGE,
    ConnectionFailedError,
    Greeting,
    Limits,
    ProtocolVersion,
    Silence,
)
from bridge.config.host import MqttSettings
from bridge.contract.clock import Clock

AGAIN_S = 3600.0
"""After so long what a broker could not do is tried again, with the next connection: it may have
been upgraded, and its settings changed."""
LARGE_BYTES, CUT_OFF = 1024, 3
"""A broker that ends so many connections in a row at the same large publish takes none of it."""
UNSUPPORTED_PROTOCOL, CLIENT_ID_NOT_VALID = 0x84, 0x85
V5, V311 = ProtocolVersion.V5, ProtocolVersion.V311


class Lessons:
    """How the next try greets.

    3.1.1 is tried as soon as a CONNECT of 5 brings no CONNACK of 5. Only what worked is kept: a
    proxy whose broker is down hangs up as well, on both, and when that is back, 5 is tried first.
    """

    def __init__(
        self, settings: MqttSettings, client_id: str, clock: Clock, *, window: int = 20
    ) -> None:
        self._settings, self._own_client_id = settings, client_id
        self._clock, self._window = clock, window
        self._may_change = settings.protocol == "auto"
        self.version = V311 if settings.protocol == "3.1.1" else V5
        """What the next try speaks."""
        self.announced = Limits()
        """By the last CONNACK, and what was known besides."""
        self._known = Limits()
        self._client_id: str | None = None
        self._worked: ProtocolVersion | None = None
        self._taught_s = 0.0
        self._suspect_bytes = self._cut_off = 0

    @property
    def client_id(self) -> str:
        """Ours, or what the broker called us instead."""
        return self._client_id or self._own_client_id

    @property
    def limits(self) -> Limits:
        """Announced last, or taught since."""
        return narrower(self._known, self.announced)

    def greeting(self) -> Greeting:
        """The next try, without a will."""
        return Greeting(self._settings, self.client_id, self.version, known=self._known)

    def accepted(self, announced: Limits) -> None:
        """A CONNACK came."""
        self._worked, self.announced = self.version, announced
        self._client_id = announced.client_id or self._client_id

    def meant(self, error: ConnectionFailedError) -> ConnectionFailedError:
        """``error``, with the reason that 3.1.1 has no word for when it has come so often."""
        large = error.code is None and self.version is V311 and error.largest_bytes >= LARGE_BYTES
        self._cut_off = (
            self._cut_off + 1
            if large and error.largest_bytes == self._suspect_bytes
            else int(large)
        )
        self._suspect_bytes = error.largest_bytes
        if self._cut_off < CUT_OFF:
            return error
        self._cut_off = 0
        return ConnectionFailedError(
            str(error), code=PACKET_TOO_LARGE, largest_bytes=error.largest_bytes
        )

    def failed(self, error: ConnectionFailedError, *, stood: bool) -> bool:
        """A connection, which ``stood`` or not, ended; whether another try at once may work."""
        if stood:
            before, self._known = self._known, taught(self._known, error, window=self._window)
            if self._known != before:
                self._taught_s = self._clock.monotonic()
        elif error.code is None or error.code == UNSUPPORTED_PROTOCOL:
            if self._may_change and self._is_no(error):
                return self._turn(at_once=error.unanswered is not Silence.LASTS)
            if self._may_change and self._worked is not self.version:
                self.version = self._worked or V5
        else:  # who refuses in its words speaks them
            self._worked = self.version
            if error.code == CLIENT_ID_NOT_VALID and self._client_id:
                self._client_id = None
                return True
            before = self.announced
            self.announced = taught(before, error, window=self._window)  # as for the will
            if self.announced != before:
                return True
        if self._clock.monotonic() - self._taught_s >= AGAIN_S:
            self._known = Limits()
            self.version = V5 if self._may_change else self.version
        return False

    def _is_no(self, error: ConnectionFailedError) -> bool:
        """Whether it may mean that the broker does not speak this version."""
        if error.unanswered is Silence.LASTS:  # a broker that stands still is silent as well
            return self._worked is not V5
        return error.code == UNSUPPORTED_PROTOCOL or error.unanswered is not None

    def _turn(self, *, at_once: bool) -> bool:
        if self.version is V5:
            self.version, self._taught_s = V311, self._clock.monotonic()
            return at_once
        self.version = V5
        return False
