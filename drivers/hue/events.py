"""What a hub tells by itself of its lights, so that it need not be asked: API v2's event stream.

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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.retry import Random, full_jitter
from drivers.blocking import Worker
from drivers.hue.pairing import Pairing
from drivers.hue.transport import END_S, Transport, text_of

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


class Stream(Transport):
    """What never ends of a hub."""

    @contextmanager
    def opened(self, key: str, *, silent_s: float) -> Iterator[http.client.HTTPResponse | None]:
        """An answer without an end, on a connection of its own; ``None`` where there is none.

        Raises:
            TimeoutError: It was silent for ``silent_s``.
            LightUnreachableError: It does not answer, or not now.
            LightRefusedError: It is not the pinned one.
        """
        try:
            connection = self.connected()
            if self.is_abandoned:
                raise LightUnreachableError("given up")
            headers = {"hue-application-key": key, "Accept": "text/event-stream"}
            connection.request("GET", PATH, headers=headers)
            response = connection.getresponse()
            if response.status not in (200, 404):
                raise LightUnreachableError(f"the hub at {self.address}: HTTP {response.status}")
            is_stream = response.headers.get_content_type() == "text/event-stream"
            if is_stream and connection.sock is not None:
                _watch(connection.sock, silent_s)
            yield response if is_stream and response.status == 200 else None  # noqa: PLR2004
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise LightUnreachableError(f"the hub at {self.address}: {text_of(error)}") from error
        finally:
            self.close()


class Events:
    """The stream of one hub, read on the thread of ``worker``.

    Opened by ``may_differ``, and opened anew by it when it was lost.
    """

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
        self._transport: Stream | None = None
        self._task: asyncio.Task[float | None] | None = None
        self._changed: SimpleQueue[str] = SimpleQueue()
        self._opened_s = self._next_s = 0.0
        self._attempt, self.is_live = 0, False

    def may_differ(self, address: str, pairing: Pairing | None, resources: set[str]) -> bool:
        """Whether any of ``resources``, paths of API v1, may have changed since the last call.

        Without a stream that is always so. Never blocks.
        """
        if pairing is None or pairing.fingerprint is None:  # a key is for https
            return True
        if self._transport and self._transport.address != address:
            self._transport.abandon()
        self._listen(address, pairing)
        return not self.is_live or not self._heard().isdisjoint({ANYTHING, *resources})

    def remember(self) -> None:
        """What was heard could not be judged: the next call of ``may_differ`` is to say so."""
        self._changed.put(ANYTHING)

    async def end(self) -> None:
        """Stop listening."""
        if self._task:
            if self._transport:
                self._transport.abandon()
            await asyncio.wait([self._task], timeout=END_S)
            self._task.cancel()

    def _heard(self) -> set[str]:
        heard = set()
        with suppress(Empty):
            while True:
                heard.add(self._changed.get_nowait())
        return heard

    def _listen(self, address: str, pairing: Pairing) -> None:
        now_s = self._clock.monotonic()
        if self._task and self._task.done():
            wait_s = self._task.result()
            if now_s - self._opened_s >= STEADY_S:
                self._attempt = 0
            if wait_s is None:
                wait_s = full_jitter(
                    self._attempt, first_s=FIRST_S, most_s=MOST_S, random=self._random
                )
                self._attempt += 1
            self._task, self._next_s = None, now_s + wait_s
        if self._task is None and now_s >= self._next_s:
            self._opened_s = now_s
            self._transport = Stream(address, timeout_s=self._answer_s)
            listening = self._worker(self._read, self._transport, pairing)
            self._task = asyncio.create_task(listening, name="hue-events")

    def _read(self, transport: Stream, pairing: Pairing) -> float | None:
        """Listen until the stream ends; seconds until the next try where the hub decides them."""
        transport.use("https", pin=pairing.fingerprint)
        try:
            with transport.opened(pairing.key, silent_s=self._silent_s) as stream:
                if stream is None:
                    return NONE_S
                self._changed.put(ANYTHING)  # before there was a stream
                self.is_live = True
                while line := stream.readline(_LONGEST):
                    for resource in changed_by(line):
                        self._changed.put(resource)
        except TimeoutError:
            return 0.0 if self.is_live else None
        except (LightUnreachableError, LightRefusedError) as error:
            log.debug("no events: %s", error)
        finally:
            self.is_live = False
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
            if _is_of_lights(part)
        }
    except (ValueError, LookupError, TypeError, AttributeError):
        return {ANYTHING}


def _is_of_lights(part: dict[str, Any]) -> bool:
    return "id_v1" in part or part.get("type") in _OF_LIGHTS


def _watch(sock: socket.socket, silent_s: float) -> None:
    """Notice within half a minute that the other end lost its power, and silence by and by."""
    sock.settimeout(silent_s)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
