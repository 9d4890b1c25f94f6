"""News of the page as server-sent events; a slow reader gets the newest, not what it missed.

Events (HTML Standard, 9.2): ``hello`` once, with the release and the bridge's time; then ``part``
with the id, markup and versions of an element, first for all that differs from what the page has,
so that it is true after any gap; ``order`` with the ids of the cards; and a ``beat`` where nothing
else came for a while: a page that hears neither has lost the bridge.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.cookies import session_of
from bridge.web.access.headers import HEADERS
from bridge.web.live import Live
from bridge.web.render.forms import with_find, with_token
from bridge.web.render.parts import Parts, have_text
from bridge.web.serving.limits import Capacity

BEAT_S = 15.0
"""A sign of life after so long without news; the page gives up after 40 s without any."""
DIFFERENCES = 16
"""Those that are kept for the next reader."""
STREAM_HEADERS = {
    **HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "Content-Encoding": "identity",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
"""A proxy that compresses or collects keeps news back. Caddy goes by the second line, others by
``no-transform`` (RFC 9111, 5.2.2.6), nginx by the fourth."""


Look = Callable[[], Awaitable[Parts]]
"""What a page shows now."""


class Events:
    """All open streams.

    A reader that takes nothing for a while loses the connection: see ``Connections``.
    """

    def __init__(self, live: Live, *, release: str, capacity: Capacity, clock: Clock) -> None:
        self._live, self._release, self._clock = live, release, clock
        self._capacity = capacity
        self._streams: dict[asyncio.Task[Any], str] = {}
        self._turn = asyncio.Lock()
        self._differences: deque[tuple[Parts, Parts, str]] = deque(maxlen=DIFFERENCES)

    async def stream(
        self,
        request: web.Request,
        look: Look,
        *,
        reader: str,
        have: Mapping[str, str],
        may_stay: Callable[[], bool],
    ) -> web.StreamResponse:
        """Serve one page of ``reader``, which ``have``s some versions, until it goes or must.

        Raises ``HTTPServiceUnavailable`` where too many pages are open.
        """
        self._look_for_room(reader)
        task = asyncio.current_task()
        assert task is not None
        self._streams[task] = reader
        response = web.StreamResponse(headers=STREAM_HEADERS)
        try:
            with suppress(ConnectionError):
                await response.prepare(request)
                token = session_of(request).token
                await self._send_news(response, look, have, token=token, may_stay=may_stay)
        finally:
            del self._streams[task]
        return response

    def close(self, reader: str | None = None) -> None:
        """End the streams of ``reader``, or all: pages come back by themselves."""
        for task, whose in tuple(self._streams.items()):
            if reader in (None, whose):
                task.cancel()

    def _look_for_room(self, reader: str) -> None:
        limits, readers = self._capacity.limits, list(self._streams.values())
        if len(readers) < limits.streams and readers.count(reader) < limits.streams_each:
            return
        self._capacity.reached("too many pages are open at once: some get no news")
        raise web.HTTPServiceUnavailable

    async def _send_news(
        self,
        response: web.StreamResponse,
        look: Look,
        have: Mapping[str, str],
        *,
        token: str,
        may_stay: Callable[[], bool],
    ) -> None:
        await self._send(response, _event("hello", {"release": self._release, **self._now()}))
        before: Parts | None = None
        while may_stay():
            version = self._live.shown.version
            after = await look()
            async with self._turn:  # between many readers, presence gets turns of the loop
                await asyncio.sleep(0)
            if news := self._news(before, after) if before else _text(have, after):
                await self._send(response, with_token(news, token))
            before = after
            if not await self._live.shown.newer(version, within_s=BEAT_S, clock=self._clock):
                await self._send(response, _event("beat", self._now()))

    def _news(self, before: Parts, after: Parts) -> str:
        """What differs, in events; most readers saw the same before."""
        if before is after:
            return ""
        for old, new, text in self._differences:
            if old is before and new is after:
                return text
        text = _text(before.versions, after)
        self._differences.append((before, after, text))
        return text

    def _now(self) -> dict[str, str]:
        return {"now": self._clock.now().isoformat()}

    @staticmethod
    async def _send(response: web.StreamResponse, text: str) -> None:
        await response.write(text.encode(errors="replace"))


def _text(have: Mapping[str, str], parts: Parts) -> str:
    """What ``parts`` differ in from the versions ``have``, in events."""
    events = [
        _event(
            "part",
            {"id": name, "html": with_find(html, parts.find), "have": have_text(parts.under(name))},
        )
        for name, html in parts.since(have)
    ]
    if order := parts.order_since(have):
        events.append(_event("order", {"ids": order}))
    return "".join(events)


def _event(kind: str, data: Mapping[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
