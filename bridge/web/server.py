"""Runs the page beside the bridge: its port, its news and its history, each started again alone.

A port that is in use is tried again and again: presence goes on without the page.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import tzinfo
from pathlib import Path

from bridge.config.tables.web import WebSettings
from bridge.contract.clock import Clock
from bridge.contract.latest import Latest
from bridge.contract.supervised import supervised
from bridge.web.access.guard import Guard
from bridge.web.application import application
from bridge.web.data.history import History
from bridge.web.data.snapshot import Snapshot
from bridge.web.live import Live
from bridge.web.posts import Posts
from bridge.web.serving.limits import Capacity, Limits
from bridge.web.serving.listening import Listener
from bridge.web.set_up.change import RegistrationChange
from bridge.web.site import Site


class Web:
    """The page of one bridge, which shows ``view``; ``state_dir`` keeps the history.

    ``zone`` is where times are read, ``None`` the machine's own; ``limits`` are what visitors may
    take, ``None`` what fits this process.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        view: Latest[Snapshot],
        posts: Posts,
        registration: RegistrationChange,
        guard: Guard,
        state_dir: Path,
        version: str,
        clock: Clock,
        zone: tzinfo | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._settings, self._view = settings, view
        self._posts, self._registration = posts, registration
        self.guard, self._state_dir, self._version = guard, state_dir, version
        self._clock, self._zone, self._limits = clock, zone, limits
        self.listening: Latest[int | None] = Latest(None)
        """The port, while there is one."""

    async def run(self) -> None:
        """Serve until cancelled."""
        settings, clock = self._settings, self._clock
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="page")
        capacity = Capacity(self._limits or Limits.own(), clock)
        history = History(self._state_dir / "history.jsonl", clock) if settings.history else None
        live = Live(self._view, history, worker=worker, clock=clock, zone=self._zone)
        await live.load()
        site = Site(
            live,
            guard=self.guard,
            posts=self._posts,
            registration=self._registration,
            version=self._version,
            capacity=capacity,
            clock=clock,
        )
        listener = Listener(settings, capacity, clock)
        async with application(self.guard, site.routes()) as server:
            try:
                works = {
                    "news": live.follow,
                    "strip": live.tick,
                    "port": lambda: listener.run(server, self.listening.set),
                    "password": lambda: self.guard.follow_password(site.events.close),
                }
                async with asyncio.TaskGroup() as tasks:
                    for name, work in works.items():
                        running = supervised(work, name=f"page, {name}", clock=clock)
                        tasks.create_task(running, name=f"web-{name}")
            finally:
                site.events.close()
                self.listening.set(None)
                await live.close()
                worker.shutdown(wait=False)
