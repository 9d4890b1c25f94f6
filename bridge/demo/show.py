"""``presence-bridge demo``: everything at once in one terminal, with nothing to set up.

Runs the real programs as processes of their own; they know nothing of the simulation but the
addresses in their config.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from bridge.broker.connection import connect
from bridge.broker.session import Greeting, ProtocolVersion, Session
from bridge.config.command_line import FAILED, INTERRUPTED, OK
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.topics import Topics
from bridge.contract.wire import decode_json
from bridge.demo.day import play, working_day
from bridge.demo.microsoft import APPROVAL_AFTER_S
from bridge.demo.scenery import scenery

STOP_S = 10.0


@dataclass
class Seen:
    """What went over MQTT so far, as far as the demo's own success depends on it."""

    online: bool = False
    states: int = 0
    lamp: int = 0
    told: set[str] = field(default_factory=set)

    @property
    def missing(self) -> str | None:
        """What should have been seen and was not."""
        if not self.online:
            return "the bridge never came online"
        if not self.states:
            return "no presence was published"
        return None if self.lamp else "the lamp never showed anything"


def run(*, seconds: float | None, day_s: float, port: int) -> int:
    """Show the demo for ``seconds`` or until Ctrl-C; a day takes ``day_s`` seconds.

    Returns 0 after ``seconds`` when all worked, 1 when anything failed, 130 after Ctrl-C; raises
    ``ConfigError`` where the embedded broker is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="presence-demo-") as folder:
        return asyncio.run(_show(Path(folder), seconds=seconds, day_s=day_s, port=port))


async def _show(folder: Path, *, seconds: float | None, day_s: float, port: int) -> int:
    stop: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    _stop_on_signals(stop)
    seen = Seen()
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(scenery(folder, port=port, day_s=day_s))
        _say(stage.introduction)
        settings = MqttSettings(host="127.0.0.1", port=stage.mqtt_port)
        greeting = Greeting(settings, "demo", ProtocolVersion.V311)
        broker = await stack.enter_async_context(connect(greeting))
        await broker.subscribe("presence/#", commands=False)
        programs = [
            await stack.enter_async_context(_program(folder, "bridge", "run")),
            await stack.enter_async_context(_program(folder, "drivers", "lamp")),
        ]
        day = working_day(Random(1))  # noqa: S311 - the same day in every demo
        playing = play(stage.person, day, compress_to_s=day_s, clock=SystemClock(), says=_say)
        background = [
            asyncio.create_task(_follow(broker, seen), name="demo-follow"),
            asyncio.create_task(playing, name="demo-day"),
        ]
        exits = [asyncio.create_task(program.wait(), name="demo-exit") for program in programs]
        ends: list[asyncio.Future[Any]] = [stop, *exits, *background]
        done, _ = await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (*background, *exits):
            task.cancel()
        await asyncio.gather(*background, *exits, return_exceptions=True)
    return _verdict(folder, seen, stop=stop, failed=bool(done - {stop}))


@asynccontextmanager
async def _program(
    folder: Path, module: str, argument: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """``python -m module argument`` with the demo's config; stopped in order at the end."""
    with (folder / f"{module}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            argument,
            "--config",
            str(folder / "config.toml"),
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches the demo, which then stops its children
            env={key: text for key, text in os.environ.items() if not key.startswith("PRESENCE_")},
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _follow(broker: Session, seen: Seen) -> None:
    """Note what matters, and tell about the sign-in as anybody on MQTT can see it."""
    topics = Topics()
    async for received in broker.received():
        topic, payload = received.topic, received.payload
        if topic == topics.bridge_state:
            seen.online = seen.online or payload == b"online"
        elif topic == topics.account("alice", "state"):
            seen.states += 1
        elif topic == topics.light("lamp", "state"):
            seen.lamp += 1
        elif topic == topics.account("alice", "auth"):
            _print_sign_in(decode_json(payload), seen)


def _print_sign_in(auth: dict[str, object], seen: Seen) -> None:
    state = str(auth.get("state"))
    if state in seen.told:
        return
    seen.told.add(state)
    if state == "device_code_pending":
        _say(
            f"Alice signs in: {auth['verification_uri']} with code {auth['user_code']} "
            f"(entered by the demo after {APPROVAL_AFTER_S:.0f} s)"
        )
    elif state == "signed_in":
        _say("Alice is signed in.\n")


def _verdict(folder: Path, seen: Seen, *, stop: asyncio.Future[int], failed: bool) -> int:
    if stop.done():
        return stop.result()
    problem = "a part ended by itself" if failed else seen.missing
    if problem is None:
        _say("\nThe demo is over; everything worked.")
        return OK
    _say(f"\nThe demo failed: {problem}.")
    for log in sorted(folder.glob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
        _say("\n".join([f"--- the end of {log.name}", *lines]))
    return FAILED


def _stop_on_signals(stop: asyncio.Future[int]) -> None:
    def end(code: int) -> None:
        if not stop.done():
            stop.set_result(code)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, end, INTERRUPTED)
    loop.add_signal_handler(signal.SIGTERM, end, OK)


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the demo's own output
