"""Topics that the broker refuses: logged once each, and once when it takes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.broker.session import NO_WILDCARDS, PACKET_TOO_LARGE
from bridge.contract.clock import Clock

log = logging.getLogger(__name__)

NOT_AUTHORIZED, QUOTA_EXCEEDED = 0x87, 0x97
_SAY_NOTHING = {0x80, 0x83}
"""Reason codes that name no reason."""
_ANNOUNCED = {
    PACKET_TOO_LARGE: "it is left out; who runs the broker must raise its largest packet "
    "(max_packet_size in Mosquitto)",
    NO_WILDCARDS: "who runs the broker must allow wildcards in subscriptions",
}
"""What is not tried on a connection, with its remedy."""
BLAME_AFTER_S = 60.0
"""A cluster refuses without a reason while it settles; later it is the access rules."""
LOGGED_MOST = 5
"""Rules that forbid thousands of topics need no thousand lines."""


@dataclass
class _Refused:
    code: int
    reason: str
    since_s: float
    is_logged: bool
    blamed: bool = False


class Refusals:
    """What is refused now; ``what`` completes "the broker does not let user x"."""

    def __init__(self, what: str, *, user: str, clock: Clock) -> None:
        self._what, self._user, self._clock = what, user, clock
        self._topics: dict[str, _Refused] = {}

    @property
    def problems(self) -> Iterator[str]:
        """What a person should know, in words."""
        for topic in list(self._topics)[:LOGGED_MOST]:
            yield self._text(topic)
        if len(self._topics) > LOGGED_MOST:
            more = len(self._topics) - LOGGED_MOST
            yield f"the broker does not let user {self._user} {self._what} {more} more topics"

    def __contains__(self, topic: str) -> bool:
        return topic in self._topics

    def refused(self, topic: str, code: int, reason: str) -> None:
        """The broker has said no to ``topic``."""
        known = self._topics.get(topic)
        if known is None:
            is_logged = len(self._topics) < LOGGED_MOST
            refused = _Refused(code, reason, self._clock.monotonic(), is_logged)
            self._topics[topic] = refused
            if len(self._topics) == LOGGED_MOST + 1:
                log.warning("the broker refuses more topics; they are not logged one by one")
        else:
            refused, known.code, known.reason = known, code, reason
        if not refused.is_logged or refused.blamed:
            return
        refused.blamed = self._is_rules(refused) or refused.code in _ANNOUNCED
        if refused.blamed:
            log.error("%s", self._text(topic))
        elif known is None:
            log.warning("%s; trying again", self._text(topic))

    def accepted(self, topic: str) -> None:
        """The broker has said yes to ``topic``."""
        if self._topics and (known := self._topics.pop(topic, None)) and known.is_logged:
            log.info("the broker lets user %s %s %s again", self._user, self._what, topic)

    def forget(self, topic: str) -> None:
        """Nobody wants to use ``topic`` any more."""
        self._topics.pop(topic, None)

    def _is_rules(self, refused: _Refused) -> bool:
        lasts_s = self._clock.monotonic() - refused.since_s
        return refused.code == NOT_AUTHORIZED or (
            refused.code in _SAY_NOTHING and lasts_s >= BLAME_AFTER_S
        )

    def _text(self, topic: str) -> str:
        refused = self._topics[topic]
        remedy = _ANNOUNCED.get(refused.code, "")
        if self._is_rules(refused):
            remedy = "check its access rules"
        elif refused.code == QUOTA_EXCEEDED:
            remedy = "who runs the broker must raise that quota"
        no = f"the broker does not let user {self._user} {self._what} {topic} ({refused.reason})"
        return f"{no}: {remedy}" if remedy else no
