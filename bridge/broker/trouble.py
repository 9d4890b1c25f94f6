"""Says once when the connection is lost and once when it is back, and how long to wait until then.

Never connects.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from bridge.broker.errors import Fault, explain
from bridge.broker.lessons import UNSUPPORTED_PROTOCOL, V5, Lessons
from bridge.broker.limits import lacks
from bridge.broker.pace import GOOD_S, Pace
from bridge.broker.reasons import Kind
from bridge.broker.session import ConnectionFailedError, Limits
from bridge.config.host import MqttSettings
from bridge.contract.clock import Clock
from bridge.retry import Random

log = logging.getLogger(__name__)


class Trouble:
    """What is wrong with the connection, in words."""

    def __init__(
        self, settings: MqttSettings, lessons: Lessons, *, clock: Clock, random: Random
    ) -> None:
        self._settings, self._lessons, self._clock = settings, lessons, clock
        self._pace = Pace(random)
        self._online_since_s: float | None = None
        self._stood = self._ever = False
        self._text = ""
        self._lacks: set[str] = set()

    @property
    def problems(self) -> Iterator[str]:
        """What a person should know now."""
        if self._text:
            yield self._text
        if not self._lessons.limits.retain_available:
            yield f"the broker {next(lacks(self._lessons.limits))}"

    @property
    def is_online(self) -> bool:
        """Whether all was said on a connection that still stands."""
        return self._online_since_s is not None

    def accepted(self, announced: Limits) -> None:
        """A connection stands; what this broker lacks is told once."""
        self._stood = True
        self._lessons.accepted(announced)
        lacking = set(lacks(announced))
        for what in sorted(lacking - self._lacks):
            log.warning("broker %s %s", self._settings.address, what)
        if self._lacks - lacking:
            log.info("broker %s does more than it did before", self._settings.address)
        self._lacks = lacking

    def greeted(self) -> None:
        """All was said; whether the connection is a good one is seen later."""
        self._online_since_s = self._clock.monotonic()
        self._pace.accepted()
        if not self._pace.disputed:
            self._back()

    async def watch(self) -> None:
        """Return when nobody disputes the connection: then it has lasted."""
        if self._pace.disputed:
            await self._clock.sleep(GOOD_S)
            self._pace.good()
            self._back()

    def ended(self, failure: ConnectionFailedError | None) -> float:
        """A try has ended; the seconds until the next one. Without ``failure`` it was wanted."""
        since_s, stood = self._online_since_s, self._stood
        self._online_since_s, self._stood = None, False
        if failure is None:
            return 0.0
        if since_s is not None:
            if self._clock.monotonic() - since_s >= GOOD_S:
                self._pace.good()
            else:
                self._pace.short_lived += 1
        failure = self._lessons.meant(failure)
        client_id, was_5 = self._lessons.client_id, self._lessons.version is V5
        if self._lessons.failed(failure, stood=stood):
            if failure.code == UNSUPPORTED_PROTOCOL and was_5:
                log.info("broker %s speaks no MQTT 5, using 3.1.1", self._settings.address)
            return 0.0
        short_lived = self._pace.short_lived
        fault = explain(failure, self._settings, client_id, short_lived=short_lived)
        wait_s = self._pace.wait_s(fault.kind)
        self._tell(fault, wait_s)
        return wait_s

    def _back(self) -> None:
        if self._text or not self._ever:
            version = self._lessons.version.value
            log.info("connected to broker %s, MQTT %s", self._settings.address, version)
        self._text, self._ever = "", True

    def _tell(self, fault: Fault, wait_s: float) -> None:
        if fault.kind is Kind.PASSES:
            if not self._text:
                log.warning("%s; trying again until it is back", fault.text)
                self._text = fault.text
        elif fault.text != self._text:
            log.error("%s; trying again, next in %.0f s", fault.text, wait_s)
            self._text = fault.text
