"""News of the page as server-sent events; a slow reader gets the newest, not what it missed.

Events (HTML Standard, 9.2): ``hello`` once, with the release and the bridge's time; then ``part``
with the id, markup and versions of an element, first for all that differs from what the page has,
so that it is true after any gap; ``order`` with the ids of the cards; and a ``beat`` where nothing
else came for a while: a page that hears neither has lost the bridge.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from aiohttp import web

from bridge.contract.clock import Clock
from bridge.web.access.guard import Guard
from bridge.web.access.sessions import session_of
from bridge.web.live import Live
from bridge.web.render.forms import with_find, with_token
from bridge.web.render.parts import Parts, have_of, have_text
from bridge.web.serving.limits import Capacity

BEAT_S = 15.0
"""A sign of life after so long without news; the page gives up after 40 s without any."""
DIFFERENCES = 16
"""Those that are kept for the next reader."""
STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Content-Encoding": "identity",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
"""A proxy that compresses or collects keeps news back. Caddy goes by the second line, others by
``no-transform`` (RFC 9111, 5.2.2.6), nginx by the fourth."""


class Events:
    """All open streams.

    A reader that takes nothing for a while loses the connection: see ``Connections``.
    """

    def __init__(
        self, live: Live, guard: Guard, *, release: str, capacity: Capacity, clock: Clock
    ) -> None:
        self._live, self._guard, self._release = live, guard, release
        self._capacity, self._clock = capacity, clock
        self._streams: dict[asyncio.Task[Any], str] = {}
        self._turn = asyncio.Lock()

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Serve one page, which says what it has already, until it goes or must.

        Raises ``HTTPServiceUnavailable`` where too many pages are open.
        """
        reader = self._guard.reader_of(request)
        self._look_for_room(reader)
        task = asyncio.current_task()
        assert task is not None
        self._streams[task] = reader
        response = web.StreamResponse(headers=STREAM_HEADERS)
        try:
            with suppress(ConnectionError):
                await response.prepare(request)
                await self._send_news(request, response)
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

    async def _send_news(self, request: web.Request, response: web.StreamResponse) -> None:
        await _send(response, _event("hello", {"release": self._release, **self._now()}))
        before: Parts | None = None
        while self._guard.may_stay(request):
            version = self._live.shown.version
            after = await self._live.parts_for(request.query)
            async with self._turn:  # between many readers, presence gets turns of the loop
                await asyncio.sleep(0)
            if before is None:
                news = _lacking(have_of(request.query.get("have", "")), after)
            else:
                news = _difference(before, after)
            if news:
                await _send(response, with_token(news, session_of(request).token))
            before = after
            if not await self._live.shown.newer(version, within_s=BEAT_S, clock=self._clock):
                await _send(response, _event("beat", self._now()))

    def _now(self) -> dict[str, str]:
        return {"now": self._clock.now().isoformat()}


async def _send(response: web.StreamResponse, text: str) -> None:
    await response.write(text.encode(errors="replace"))


@lru_cache(maxsize=DIFFERENCES)
def _difference(before: Parts, after: Parts) -> str:
    """What differs, in events; most readers saw the same before."""
    return "" if before is after else _lacking(before.versions, after)


def _lacking(have: Mapping[str, str], parts: Parts) -> str:
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
