"""Serves the page: listens, keeps the snapshot and its history. Never stops the bridge.

A port that is in use is tried again and again: presence goes on without the page.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from bridge.config.web import WebSettings
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.supervised import supervised
from bridge.web.access.guard import Guard
from bridge.web.access.keys import Keys, Randomness
from bridge.web.actions import Actions
from bridge.web.data.history import History
from bridge.web.data.search import Search
from bridge.web.data.snapshot import Snapshot
from bridge.web.data.words import Calendar
from bridge.web.limits import Alarm, Limits, own_limits
from bridge.web.listening import Listener
from bridge.web.posts import Posts
from bridge.web.render.page import Parts, Renderer
from bridge.web.serving import application, guard_of
from bridge.web.site import Site
from bridge.web.worker import Worker

SETTLE_S = 0.03
"""After news this long passes before the next, so that a flood is shown a few times only."""
TICK_S = 60.0
"""The strip moves on this often."""
TICKS_A_DAY = 24 * 60
RENDERINGS = 32
"""Searches whose rendering is kept until the next news."""


class Web:
    """The page of one bridge.

    Args:
        settings: ``[web]``.
        view: What is to be shown; the page never changes it.
        actions: Does what the page's forms ask for.
        follow_light: Lets a light show presence again.
        keys: Of ``keys_of``.
        state_dir: Keeps the history and the sessions that were ended.
        version: Of the bridge.
        zone: Where times are read; ``None`` is the machine's own.
        limits: What visitors may take; ``None`` is what fits this process.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        view: Latest[Snapshot],
        actions: Actions,
        follow_light: Callable[[str], None],
        keys: Keys,
        state_dir: Path,
        version: str,
        clock: Clock,
        zone: tzinfo | None = None,
        limits: Limits | None = None,
        random: Randomness = os.urandom,
    ) -> None:
        self._settings, self._view = settings, view
        self._posts = Posts(view, actions, follow_light)
        self._keys, self._state_dir, self._version = keys, state_dir, version
        self._clock, self._zone, self._random = clock, zone, random
        self._limits = limits
        self._guard: Guard | None = None
        self._history: History | None = None
        self._worker = Worker()
        self._search = Search(self._worker, clock)
        self._renderer = Renderer()
        self._rendered_at: tuple[int, Calendar] | None = None
        self._rendered: dict[str, Parts] = {}
        self._shown: Latest[Snapshot] = Latest(view.value)
        self.listening: Latest[int | None] = Latest(None)
        """The port, while there is one."""

    async def run(self) -> None:
        """Serve until cancelled."""
        if self._settings.history:
            history = History(self._state_dir / "history.jsonl", self._clock)
            await asyncio.to_thread(history.load)
            history.tidy()
            self._history = history
            self._show(self._view.value, moved=True)
        self._guard = guard = self._guard or guard_of(
            self._settings,
            self._keys,
            state_dir=self._state_dir,
            clock=self._clock,
            random=self._random,
        )
        limits, alarm = self._limits or own_limits(), Alarm(self._clock)
        site = Site(
            self._shown,
            self._parts,
            guard=guard,
            posts=self._posts,
            version=self._version,
            limits=limits,
            alarm=alarm,
            worker=self._worker,
            clock=self._clock,
        )
        listener = Listener(self._settings, limits=limits, alarm=alarm, clock=self._clock)
        async with application(guard, site.routes()) as server:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for name, work in (
                        ("news", self._follow),
                        ("strip", self._tick),
                        ("history", self._keep),
                        ("port", lambda: listener.run(server, self.listening.set)),
                    ):
                        tasks.create_task(
                            supervised(work, name=f"page, {name}", clock=self._clock),
                            name=f"web-{name}",
                        )
            finally:
                site.events.close()
                self.listening.set(None)
                if self._history:
                    await self._history.close()

    async def _keep(self) -> None:
        if self._history:
            await self._history.run()

    async def _follow(self) -> None:
        async for snapshot in self._view.watch():
            changed = self._history.note(snapshot.people) if self._history else False
            self._show(snapshot, moved=changed or snapshot.people != self._shown.value.people)
            await self._clock.sleep(SETTLE_S)

    async def _tick(self) -> None:
        while self._history:
            for _ in range(TICKS_A_DAY):
                await self._clock.sleep(TICK_S)
                self._history.beat()
                self._show(self._view.value, moved=True)
            self._history.tidy()

    def _show(self, snapshot: Snapshot, *, moved: bool) -> None:
        """Show ``snapshot``, with the strips drawn anew when something ``moved`` on them."""
        days = self._shown.value.days
        if moved and self._history:
            days = self._history.days(snapshot.people)
        self._shown.set(replace(snapshot, days=days))

    async def _parts(self, find: str) -> Parts:
        """What is shown now to those who look for ``find``; all of them share one rendering."""
        calendar = Calendar.at(self._clock.now(), self._zone)
        snapshot, moment = self._shown.value, (self._shown.version, calendar)
        people = await self._search.find(snapshot.people, find)
        if moment != self._rendered_at or len(self._rendered) >= RENDERINGS:
            self._rendered_at, self._rendered = moment, {}
        if find not in self._rendered:
            self._rendered[find] = self._renderer.parts(snapshot, calendar, people, find)
        return self._rendered[find]
