"""One log line when a connection is lost and one when it is back; and what is wrong meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from bridge.broker.reason_codes import Fault, Kind

log = logging.getLogger(__name__)


class ConnectionLog:
    """What people were shown of the connections so far."""

    def __init__(self) -> None:
        self._lost: dict[str, str] = {}
        """What is wrong with each broker, by its address."""
        self.other = ""
        """That another program uses our client id, in words."""
        self._ever = False

    @property
    def problems(self) -> Iterator[str]:
        """What is wrong with the brokers."""
        yield from self._lost.values()

    @property
    def is_lost(self) -> bool:
        """Whether something is wrong with a broker."""
        return bool(self._lost)

    def lost(self, fault: Fault, address: str, then: str) -> None:
        """A try has ended by ``fault``; ``then`` says what comes next."""
        before = self._lost.get(address, "")
        if fault.kind is Kind.PASSES:
            if not before:
                log.warning("%s; trying again until it is back", fault.text)
                self._lost[address] = fault.text
            return
        if fault.text not in {before, self.other}:
            log.error("%s; %s", fault.text, then)
        if fault.kind is Kind.THROWN_OUT:
            self.other = fault.text
        else:
            self._lost[address] = fault.text

    def beside(self, address: str) -> None:
        """A connection beside ours stands."""
        if self._lost:
            log.info("broker %s is back; somebody else may serve there", address)
        self._lost = {}

    def back(self, address: str, version: str) -> None:
        """A connection stands, and may be a good one."""
        if self._lost or self.other or not self._ever:
            log.info("connected to broker %s, MQTT %s", address, version)
        self._lost, self.other, self._ever = {}, "", True
