"""What a hub says by itself of its lights, so that it need not be asked: API v2's event stream.

A hub says ``: hi`` and then nothing until something changes (Signify, "Hue API v2", "Core concepts:
Events"; square hubs from software 1948086000). It has names of its own for lights; ``id_v1`` is
what API v1, and so phue, calls them.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import socket
from contextlib import suppress
from http import HTTPStatus

from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.retry import Random, full_jitter
from drivers.blocking import CutOff, Worker, cut_when_cancelled
from drivers.hue.pairing import Pairing
from drivers.hue.transport import END_S, Transport

log = logging.getLogger(__name__)

PATH = "/eventstream/clip/v2"
SILENT_S = 60.0
"""A stream that was silent for so long is opened anew: it may be dead."""
STEADY_S, FIRST_S, MOST_S = 30.0, 1.0, 60.0
NONE_S = 3600.0
"""So long a hub without a stream is left alone: it may get one with an update."""
ANYTHING = "anything"
_OF_LIGHTS = frozenset({"light", "grouped_light", "room", "zone", "zigbee_connectivity"})
_LONGEST = 1024 * 1024


class Events:
    """The stream of one hub, read on the thread of ``worker``."""

    def __init__(
        self,
        worker: Worker,
        *,
        answer_s: float,
        clock: Clock,
        random: Random,
        silent_s: float = SILENT_S,
    ) -> None:
        self._worker, self._clock, self._random = worker, clock, random
        self._answer_s, self._silent_s = answer_s, silent_s
        self._source: tuple[str, Pairing] | None = None
        self._task: asyncio.Task[None] | None = None
        self._changed: set[str] = set()
        self.is_live = False

    def follow(self, address: str, pairing: Pairing | None) -> None:
        """Listen to the hub at ``address`` from now on, where it has a certificate."""
        source = (address, pairing) if pairing and pairing.fingerprint else None
        if source == self._source:
            return
        if self._task:
            self._task.cancel()
        self._source = source
        if source:
            self._task = asyncio.create_task(self._listen(*source), name="hue-events")

    def may_concern(self, resources: set[str]) -> bool:
        """Whether any of ``resources``, paths of API v1, may have changed since the last call.

        Without a stream that is always so.
        """
        changed = {self._changed.pop() for _ in range(len(self._changed))}
        return not self.is_live or not changed.isdisjoint({ANYTHING, *resources})

    def remember(self) -> None:
        """What was heard could not be judged: the next call of ``may_concern`` is to say so."""
        self._changed.add(ANYTHING)

    async def end(self) -> None:
        """Stop listening."""
        if self._task:
            self._task.cancel()
            with suppress(TimeoutError):
                await within(END_S, self._worker(int))  # comes after what still reads

    async def _listen(self, address: str, pairing: Pairing) -> None:
        attempt = 0
        while True:
            began_s = self._clock.monotonic()
            wait_s = await cut_when_cancelled(
                self._worker, lambda cut: self._read(address, pairing, cut)
            )
            if self._clock.monotonic() - began_s >= STEADY_S:
                attempt = 0
            if wait_s is None:
                wait_s = full_jitter(attempt, first_s=FIRST_S, most_s=MOST_S, random=self._random)
                attempt += 1
            await self._clock.sleep(wait_s)

    def _read(self, address: str, pairing: Pairing, cut: CutOff) -> float | None:
        """Listen until the stream ends; seconds until the next try where the hub decides them."""
        transport = Transport(address, timeout_s=self._answer_s)
        transport.cut, transport.pin = cut, pairing.fingerprint
        headers = {"hue-application-key": pairing.key, "Accept": "text/event-stream"}
        was_live = False
        try:
            response = transport.answer("GET", PATH, None, headers)
            is_stream = response.headers.get_content_type() == "text/event-stream"
            if response.status == HTTPStatus.NOT_FOUND or (
                response.status == HTTPStatus.OK and not is_stream
            ):
                return NONE_S
            if response.status == HTTPStatus.OK:
                _watch(cut.socket, self._silent_s)
                self._changed.add(ANYTHING)  # before there was a stream
                was_live = self.is_live = True
                while line := response.readline(_LONGEST):
                    self._changed.update(changed_by(line))
        except TimeoutError:
            return 0.0 if was_live else None
        except (OSError, http.client.HTTPException, ValueError, PresenceBridgeError) as error:
            log.debug(
                "no events from %s: %s", address, type(error).__name__
            )  # its text may have the key
        finally:
            self.is_live = False
            transport.close()
        return None


def changed_by(line: bytes) -> set[str]:
    """The paths of API v1 that a line of the stream is about; ``ANYTHING`` where it is unclear."""
    if not line.startswith(b"data:"):
        return set()
    try:
        return {
            str(part.get("id_v1") or ANYTHING) if event["type"] == "update" else ANYTHING
            for event in json.loads(line.removeprefix(b"data:"))
            for part in event["data"]
            if "id_v1" in part or part.get("type") in _OF_LIGHTS
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {ANYTHING}


def _watch(sock: socket.socket | None, silent_s: float) -> None:
    """Notice within half a minute that the other end lost its power, and silence by and by."""
    assert sock is not None
    sock.settimeout(silent_s)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
