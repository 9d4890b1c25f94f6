"""Recognises another program that uses our client id, and knows how that dispute stands.

A broker gives the place to whoever came last: two who come back at once throw each other out for
ever. So whoever was thrown out waits beside until the place is free (``takeover.py``).
"""

from __future__ import annotations

import logging
from functools import cached_property

from bridge.broker.session import ConnectionFailedError
from bridge.config.tables.shared import MqttSettings
from bridge.contract.retry import Random

log = logging.getLogger(__name__)

GOOD_S = 90.0
"""A connection that lasted this long was a good one: longer than two programs of one client id
wait for each other."""
SHORT_LIVED = 3
"""So many connections in a row that ended soon are a dispute: Mosquitto 2.0 does not say why it
ended one."""
SESSION_TAKEN_OVER = 0x8E


def another_program(
    error: ConnectionFailedError, settings: MqttSettings, client_id: str, *, short_lived: int
) -> str | None:
    """That another program uses ``client_id``, in words, if that has ended a connection."""
    cure = "stop one of the two, or give it another base_topic, client_id or name"
    if error.code == SESSION_TAKEN_OVER:
        return (
            f"another program uses the client id {client_id!r}: two bridges, or two drivers of one "
            f"name, run; {cure}"
        )
    if error.code is None and short_lived >= SHORT_LIVED:
        return (
            f"broker {settings.address} ended several connections soon after it had accepted them "
            f"({error}): probably another program uses the client id {client_id!r}; {cure}"
        )
    return None


def count_short_lived(before: int, lasted_s: float | None, *, is_away: bool) -> int:
    """How many connections in a row ended soon, after one that lasted so long, if all was sent.

    A broker that is away, or silent, has ended the last one itself, and nobody else did.
    """
    if is_away or (lasted_s is not None and lasted_s >= GOOD_S):
        return 0
    return before if lasted_s is None else before + 1


class Dispute:
    """Over ``client_id``; another ``node`` of the same ``[standby]`` is no other program."""

    def __init__(self, client_id: str, node: str | None, random: Random) -> None:
        self._client_id, self.node, self._random = client_id, node, random
        self.thrown_out = False
        """Whether another program has taken our place, as far as we know."""
        self.other = ""
        """That another program uses our client id, in words, until it does not any more."""
        self.not_seen = ""
        """Why it is not seen from beside who serves, where a ``node`` may not serve without."""

    @cached_property
    def client_id_beside(self) -> str:
        """Of this process alone, so that of two who wait neither ends the other's connection."""
        of_node = f"-{self.node}" if self.node else ""
        return f"{self._client_id}-standby{of_node}-{int(self._random() * 0xFFFFFFFF):08x}"

    @property
    def looks_first(self) -> bool:
        """Whether it is looked from beside who serves, before our client id is tried."""
        return self.thrown_out or self.node is not None

    def found(self, other: str, then: str) -> None:
        """Say once, in words, who the other program is, and what is done ``then``."""
        if other != self.other:
            log.error("%s; %s", other, then)
        self.other = other

    def other_node_serves(self) -> None:
        """Whoever serves is of the same ``[standby]``: that is no dispute."""
        self.thrown_out, self.other = False, ""

    def twin_serves(self) -> None:
        """Whoever serves has the name of this ``node``, and another state folder."""
        twin = f"another bridge is called {self.node!r} too: give each its own [standby] node"
        self.found(twin, "this one waits")

    def may_not_look(self, address: str, why: str) -> None:
        """A ``node`` may not subscribe beside who serves, for now, or may."""
        what = f"this node waits, since broker {address} does not let it see who serves: {why}"
        if why and not self.not_seen:
            log.error("%s; check that its rules let it read bridge/state, leader and health", what)
        self.not_seen = what if why else ""

    def place_is_free(self, *, was_heard: bool) -> None:
        """Nobody serves, any more or at all: we do."""
        self.thrown_out = False
        if was_heard:
            self.other = ""
            log.info("nobody else serves as %s any more; connecting", self._client_id)
