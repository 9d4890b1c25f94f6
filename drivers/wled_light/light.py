"""One WLED by its JSON API over HTTP: read, shown, looked after and put back.

Source: WLED documentation, "JSON API"; ``wled_server.cpp`` and ``json.cpp`` in its code, where an
object that is posted to ``/json/si`` with ``"v": true`` is answered with state and info.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from bridge.contract.clock import Clock
from bridge.contract.errors import LightRefusedError, LightUnreachableError
from bridge.contract.light import LightState
from drivers import wled
from drivers.brightness import is_lit
from drivers.http_calls import HttpCalls, Request
from drivers.wled import Reply, State
from drivers.wled_light.options import WledOptions


class WledLight:
    """All segments of a strip, or some of them."""

    def __init__(self, options: WledOptions, calls: HttpCalls, clock: Clock) -> None:
        self._options, self._calls, self._clock = options, calls, clock
        self._segments = options.segments or None
        self._last: Reply | None = None
        self._applied: tuple[LightState, State] | None = None
        self._started_s = 0.0

    async def apply(self, state: LightState) -> None:
        """Have WLED show ``state``; it does effects alone.

        Raises:
            LightUnreachableError: It does not answer.
            LightRefusedError: It is no WLED, or lacks a segment.
        """
        reply = self._last or await self._read()
        there = [part.id for part in reply.state.seg]
        if self._segments is None:
            asked = wled.show(state, there or [0])
        else:
            self._require(there)
            asked = wled.show_alone(state, self._segments)
        if self._options.transition is not None:
            asked["tt"] = round(self._options.transition * 10)
        reply = await self._ask(asked)
        ours = [part.on for part in reply.state.seg if part.id in self._options.segments]
        if (reply.state.on and all(ours)) != is_lit(state):
            raise LightUnreachableError(f"{self._host} does not show what it was sent")
        self._applied = state, reply.state
        self._started_s = self._clock.monotonic() - reply.info.uptime

    async def snapshot(self) -> dict[str, Any]:
        """All that ``restore`` needs. Raises as ``apply`` does."""
        return wled.snapshot((await self._read()).state)

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read. Raises as ``apply`` does."""
        await self._ask(wled.restore(snapshot, self._segments))
        self._applied = None

    async def changed_by_others(self) -> bool:
        """Whether an app or a button changed it; one that has restarted gets its look anew."""
        reply, applied = await self._read(), self._applied
        if applied is None:
            return False
        state, shown = applied
        started_s = self._clock.monotonic() - reply.info.uptime
        if started_s > self._started_s + wled.RESTART_S:
            await self.apply(state)
            return False
        return not wled.same(shown, reply.state, self._segments)

    def _require(self, there: list[int]) -> None:
        if missing := [number for number in self._options.segments if number not in there]:
            self._last = None
            raise LightRefusedError(
                f"{self._host} has no segment {', '.join(map(str, missing))}.",
                remedy=f"Take others in segments; it has {', '.join(map(str, there))}.",
            )

    @property
    def _host(self) -> str:
        return f"http://{self._options.host}"

    async def _read(self) -> Reply:
        return await self._exchange(Request("GET", f"{self._host}/json/si"))

    async def _ask(self, asked: dict[str, Any]) -> Reply:
        body = json.dumps(asked, separators=(",", ":")).encode("ascii")
        headers = {"Content-Type": "application/json"}
        return await self._exchange(Request("POST", f"{self._host}/json/si", headers, body))

    async def _exchange(self, request: Request) -> Reply:
        content = await self._calls(lambda: request)
        try:
            self._last = Reply.model_validate_json(content)
        except ValidationError as error:
            raise LightRefusedError(
                f"{self._host} answers, but not as WLED.", remedy="Correct host."
            ) from error
        return self._last
