"""The ``serial`` kind: a light on one serial port, kept awake and found again when replugged.

All that blocks runs on the light's one thread. pyserial is imported when a light is opened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from bridge.config.installation import cure
from bridge.contract.clock import Clock
from bridge.contract.deadline import within
from bridge.contract.errors import ConfigError, LightRefusedError, LightUnreachableError
from bridge.contract.latest import Latest
from bridge.contract.light import LightState
from bridge.contract.supervised import supervised
from drivers.base import Light, Surroundings
from drivers.blocking import Worker
from drivers.looks.brightness import in_steps
from drivers.serial_lamp.adalight import AdalightSession
from drivers.serial_lamp.line import LineSession
from drivers.serial_lamp.options import SerialOptions
from drivers.serial_lamp.session import Session
from drivers.serial_lamp.wled import WledSession

if TYPE_CHECKING:
    from drivers.serial_lamp.port import SerialPort

log = logging.getLogger(__name__)

T = TypeVar("T")

REOPEN_S = 2.0
"""Between two looks for a board that was unplugged."""
REFUSED_S = 60.0
"""After a refusal, which a person must mend."""
IDLE_S = 3600.0
"""Nothing is shown yet: there is nothing to keep awake."""
GOODBYE_S = 1.5


def lit(state: LightState, gamma: float) -> LightState:
    """``state`` as LEDs are lit to seem so: its brightness is then in its colour."""
    if gamma == 1.0:
        return state
    red, green, blue = in_steps([part / 255 * state.brightness for part in state.color], gamma)
    return state.model_copy(update={"color": (red, green, blue), "brightness": 1.0})


class SerialLight:
    """A light whose port is opened when it is needed; ``heartbeat`` keeps it awake."""

    def __init__(
        self,
        connect: Callable[[], Session],
        worker: Worker,
        *,
        name: str,
        clock: Clock,
        stop: Event,
        gamma: float = 1.0,
    ) -> None:
        self._connect, self._worker, self._gamma = connect, worker, gamma
        self._name, self._clock, self._stop = name, clock, stop
        self._session: Session | None = None
        self._wanted: tuple[LightState, float] | None = None
        """What it should show, and when that began (monotonic seconds)."""
        self._called: Latest[None] = Latest(None)

    async def apply(self, state: LightState) -> None:
        """Show ``state``; opens the port when it is not open."""
        self._wanted = lit(state, self._gamma), self._clock.monotonic()
        await self._call(self._show)

    async def changed_by_others(self) -> bool:
        """Whether an app or a button changed what we showed; a loss of the board is raised.

        A board that restarted or was replugged is told again here, and counts as unchanged.
        """
        return await self._call(self._check)

    async def heartbeat(self) -> None:
        """Keep the newest state shown until cancelled, also while nobody calls.

        Strips go dark without frames and our board has a watchdog; a lamp that is left as it is
        still has to be told so. What is lost is told by the calls, not here.
        """
        while True:
            version = self._called.version
            if await self._newer(version, self._beat_s()) or self._wanted is None:
                continue
            try:
                await self._worker(self._on_thread, self._beat)
            except LightUnreachableError as error:
                log.debug("%s: %s", self._name, error)
            except LightRefusedError as error:
                log.debug("%s: %s", self._name, error)
                await self._newer(version, REFUSED_S)

    @asynccontextmanager
    async def with_heartbeat(self) -> AsyncIterator[None]:
        """Run ``heartbeat``, also over a defect, as long as the block runs; then ``close``."""
        name = f"{self._name} heartbeat"
        keeping = asyncio.create_task(
            supervised(self.heartbeat, name=name, clock=self._clock), name=name
        )
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            await self.close()

    async def close(self) -> None:
        """Say goodbye and let go of the port, also while the thread waits for a silent board."""
        self._wanted = None
        for _ in range(2):
            try:
                return await within(GOODBYE_S, self._worker(self._let_go))
            except TimeoutError:
                self._stop.set()
        log.warning("%s: the port could not be released", self._name)
        return None

    async def _call(self, do: Callable[[Any], T]) -> T:
        """Call ``do`` with the session, on the thread; the heartbeat counts from its end."""
        try:
            return await self._worker(self._on_thread, do)
        finally:
            self._called.set(None)

    def _beat_s(self) -> float:
        wanted, session = self._newest(), self._session
        if wanted is None:
            return IDLE_S
        return session.beat_s(*wanted) if session else REOPEN_S

    def _show(self, session: Session) -> None:
        """Show the newest state, which may be newer than the one that this call came for."""
        if wanted := self._newest():
            session.show(*wanted)

    def _beat(self, session: Session) -> None:
        """Keep the newest state shown; a board that was just opened is told it anew."""
        if session is not self._session:
            self._show(session)
        elif wanted := self._newest():
            session.beat(*wanted)

    def _newest(self) -> tuple[LightState, float] | None:
        """What it should show, and for how many seconds it should by now."""
        if self._wanted is None:
            return None
        state, began_s = self._wanted
        return state, self._clock.monotonic() - began_s

    def _check(self, session: Session) -> bool:
        self._beat(session)
        return session.changed()

    def _on_thread(self, do: Callable[[Any], T]) -> T:
        """Call ``do`` with an open session; a session that failed is not used again."""
        fresh = self._session is None
        session = self._session or self._connect()
        try:
            if fresh:
                session.start()
            result = do(session)
        except BaseException:
            self._session = None
            session.close()
            raise
        self._session = session
        return result

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session:
            try:
                session.goodbye()
            except LightUnreachableError as error:
                log.debug("%s: gone without goodbye: %s", self._name, error)
            finally:
                session.close()

    async def _newer(self, version: int, within_s: float) -> bool:
        return await self._called.newer(version, within_s=within_s, clock=self._clock)


class WledLight(SerialLight):
    """A serial light that can be read."""

    async def snapshot(self) -> dict[str, Any]:
        """Read all that is shown."""
        return await self._call(WledSession.snapshot)

    async def restore(self, snapshot: dict[str, Any]) -> None:
        """Bring back what was read, and leave it so."""
        self._wanted = None
        await self._call(lambda session: session.restore(snapshot))


@asynccontextmanager
async def open_light(options: SerialOptions, around: Surroundings) -> AsyncIterator[Light]:
    """The light of ``options``; its port is opened by the first call that needs it."""
    try:
        from drivers.serial_lamp.port import open_port  # noqa: PLC0415 - pyserial is an extra
    except ImportError as error:
        raise ConfigError([f"kind 'serial' needs pyserial ({error}). {cure('serial')}"]) from error
    stop = Event()
    light_class = WledLight if options.protocol == "wled" else SerialLight
    async with Worker(around.name) as worker:
        light = light_class(
            lambda: _session(options, open_port(options, stop=stop)),
            worker,
            name=around.name,
            clock=around.clock,
            stop=stop,
            gamma=options.exponent,
        )
        async with light.with_heartbeat():
            yield light


def _session(options: SerialOptions, port: SerialPort) -> Session:
    if options.protocol == "adalight":
        return AdalightSession(port, leds=options.leds, baud=options.baud, boot_s=options.boot_s)
    if options.protocol == "wled":
        return WledSession(port, boot_s=options.boot_s)
    return LineSession(port, boot_s=options.boot_s)
