"""A process of the world: started, stopped in order, or killed.

A killed one has lost its connections, and its state folder belongs to the next; so whatever is left
of it may end as it likes: it can change nothing any more.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.config.state_file import RETRY_S
from tests.world.clock import HostClock
from tests.world.link import Way

STOP_S = 10.0
RESTART_S = 5.0
"""So long a supervisor waits before it starts a process again that ended by itself."""


class Folder:
    """The state folder of one process; it moves on at each kill, so that the dead write nowhere."""

    def __init__(self, root: Path) -> None:
        self._root, self._number = root, 0
        self.path.mkdir(parents=True)
        self.broken = False
        self._mended_s = -math.inf

    @property
    def path(self) -> Path:
        """Where it is now."""
        return self._root / f"state-{self._number}"

    def move(self) -> None:
        """Leave the old place to the dead."""
        old = self.path
        self._number += 1
        old.rename(self.path)

    def take_away(self) -> None:
        """A file stands where the folder was: nothing can be read or written."""
        if not self.broken:
            self.path.rename(self._root / "aside")
            self.path.write_text("")
            self.broken = True

    def give_back(self) -> None:
        """The folder is there again, as it was."""
        if self.broken:
            self.path.unlink()
            (self._root / "aside").rename(self.path)
            self.broken = False
            self._mended_s = asyncio.get_running_loop().time()

    def writable_for(self, seconds: float) -> bool:
        """Whether it could be written to for so long that all is written."""
        whole_s = asyncio.get_running_loop().time() - self._mended_s
        return not self.broken and whole_s > seconds


@dataclass
class Life:
    """One start of a process until its end."""

    name: str
    state_dir: Path
    way: Way
    """To the broker."""
    began_s: float
    killed: bool = False
    at_death: list[Callable[[], None]] = field(default_factory=list)
    """What takes its hands off the world."""
    work: asyncio.Task[bool] | None = None
    stop: Callable[[], object] = lambda: None
    """SIGTERM."""


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("LIFE", default=None)
"""Whose code runs now: all tasks of a process know it, and so does what they log."""

Program = Callable[[Life], Coroutine[Any, Any, bool]]
"""Runs until it is stopped; whether it wants to be started anew."""


class Process:
    """A place for one program. ``problems`` is what must never happen to it."""

    def __init__(
        self,
        name: str,
        folder: Folder,
        *,
        program: Program,
        way: Callable[[], Way],
        clock: HostClock,
    ) -> None:
        self.name, self.folder = name, folder
        self.clock = clock
        self._program, self._new_way = program, way
        self._life: Life | None = None
        self._dead: list[asyncio.Task[bool]] = []
        self.wanted = False
        """Whether it should run: then its supervisor starts it again whenever it ended."""
        self.starts = 0
        self.problems: list[str] = []
        self.memory_lost: Callable[[], None] = lambda: None
        """Called when one ends that could not write down what it knew."""

    @property
    def life(self) -> Life | None:
        """The one that runs now."""
        return self._life

    def start(self) -> None:
        """Start, with what the folder remembers. Refused while that cannot be used."""
        self.wanted = True
        if self._life is not None or self.folder.broken:
            return
        loop = asyncio.get_running_loop()
        self.starts += 1
        life = Life(f"{self.name}.{self.starts}", self.folder.path, self._new_way(), loop.time())
        context = contextvars.copy_context()
        context.run(LIFE.set, life)
        life.work = loop.create_task(self._program(life), name=life.name, context=context)
        life.work.add_done_callback(lambda work: self._ended(life, work))
        self._life = life

    def kill(self) -> None:
        """SIGKILL, or a power cut."""
        life, self._life = self._life, None
        if life is None or life.work is None:
            return
        self._lose_memory()
        life.killed = True
        life.way.kill()
        for let_go in life.at_death:
            let_go()
        if not self.folder.broken:
            self.folder.move()
        life.work.cancel()
        self._dead = [work for work in (*self._dead, life.work) if not work.done()]

    async def stop(self) -> None:
        """SIGTERM: there are 10 seconds."""
        self.wanted = False
        life = self._life
        if life is None or life.work is None:
            return
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        life.stop()
        await asyncio.wait({life.work}, timeout=6 * STOP_S)
        took_s = loop.time() - began_s
        if took_s > STOP_S + 0.1:
            self.problems.append(f"{life.name} needed {took_s:.1f} s to stop")
        if self._life is life:
            self.kill()

    async def bury(self) -> None:
        """Wait until nothing is left of the killed."""
        if self._dead:
            await asyncio.wait(self._dead, timeout=60)

    def _ended(self, life: Life, work: asyncio.Task[bool]) -> None:
        if life.killed:
            if not work.cancelled():
                work.exception()  # of no interest
            return
        self._lose_memory()
        if self._life is life:
            self._life = None
        error = None if work.cancelled() else work.exception()
        if error is not None:
            self.problems.append(f"{life.name} ended: {_first(error)!r}")
        if self.wanted:
            again_s = 0.0 if error is None and not work.cancelled() and work.result() else RESTART_S
            asyncio.get_running_loop().call_later(again_s, self._again)

    def _lose_memory(self) -> None:
        if not self.folder.writable_for(RETRY_S):
            self.memory_lost()

    def _again(self) -> None:
        if self.wanted:
            self.start()


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
