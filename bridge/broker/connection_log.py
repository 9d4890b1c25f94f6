"""One log line when a connection is lost and one when it is back; and what is wrong meanwhile."""

from __future__ import annotations

import logging

from bridge.broker.reason_codes import Fault, Kind

log = logging.getLogger(__name__)


class ConnectionLog:
    """What people were shown of the connections so far."""

    def __init__(self) -> None:
        self.lost: dict[str, str] = {}
        """What is wrong with each broker, by its address."""
        self._ever = False

    def failed(self, fault: Fault, address: str, then: str) -> None:
        """A try has ended by ``fault``; ``then`` says what comes next."""
        before = self.lost.get(address, "")
        if fault.kind is not Kind.PASSES:
            if fault.text != before:
                log.error("%s; %s", fault.text, then)
            self.lost[address] = fault.text
        elif not before:
            log.warning("%s; trying again until it is back", fault.text)
            self.lost[address] = fault.text

    def beside(self, address: str) -> None:
        """A connection beside ours stands."""
        if self.lost:
            log.info("broker %s is back; somebody else may serve there", address)
        self.lost = {}

    def back(self, address: str, version: str, *, was_disputed: bool) -> None:
        """A connection stands, and may be a good one."""
        if self.lost or was_disputed or not self._ever:
            log.info("connected to broker %s, MQTT %s", address, version)
        self.lost, self._ever = {}, True
