"""The programs as processes, between a simulated Microsoft and a real broker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from bridge.contract.clock import SystemClock
from bridge.demo.certificate import ServerCertificate, make_certificate
from tests.e2e.page_stage import Home
from tests.fakes.forks import Done, Forks, Program
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, household
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import Subscriber, subscriber

STOP_S = 30.0
"""Programs start and stop within a second, unless the machine has much else to do."""


@dataclass
class Stage:
    """Everything but the programs, and a way to start those."""

    folder: Path
    microsoft: ScriptedMicrosoft
    home: Household
    broker: Mosquitto
    mqtt: Subscriber
    forks: Forks
    programs: list[Program] = field(default_factory=list)

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    def configure(self, extra: str = "", *, web: str = "enabled = false") -> None:
        """Write a config with one account, ``alice``.

        ``web`` is what stands in ``[web]``; ``extra`` is added at the end.
        """
        self.config.write_text(
            f"""
            state_dir = "state"
            [mqtt]
            host = "127.0.0.1"
            port = {self.broker.port}
            [microsoft]
            tenant = "{self.home.tenant.domain}"
            client_id = "{self.home.app.client_id}"
            login_url = "{self.microsoft.login_url}"
            graph_url = "{self.microsoft.graph_url}"
            [network]
            ca_file = "{self.microsoft.ca_file}"
            [polling]
            fastest = 1
            steady = 1
            slowest = 1
            [web]
            {web}
            [accounts.alice]
            name = "Alice"
            {extra}
            """,
            encoding="utf-8",
        )

    def start(self, module: str, *words: str) -> Program:
        """Start ``python -m module words``; its log is in ``log(process)``."""
        return self.start_program(self.python(module, *words, "--config", str(self.config)))

    def start_in(
        self, folder: Path, module: str, *words: str, environ: Mapping[str, str]
    ) -> Program:
        """As ``start``, in ``folder`` and with ``environ``; nobody says where the config is."""
        return self.start_program(self.python(module, *words), cwd=folder, environ=environ)

    def start_at(
        self, terminal: int, folder: Path, module: str, *words: str, environ: Mapping[str, str]
    ) -> Program:
        """As ``start_in``, with somebody at the ``terminal``."""
        program = self.python(module, *words)
        return self.start_program(program, cwd=folder, environ=environ, terminal=terminal)

    @staticmethod
    def python(module: str, *words: str) -> list[str]:
        """``python -m module words``, as this Python runs it."""
        return [sys.executable, "-m", module, *words]

    def start_program(
        self,
        words: list[str],
        *,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        terminal: int | None = None,
    ) -> Program:
        """Start ``words`` as one of the programs, which end with the stage."""
        number = len(self.programs)
        env = {**os.environ, "HOME": str(self.folder), **(environ or {})}
        process: Program
        with (self.folder / f"log{number}").open("w", encoding="utf-8") as log:
            if terminal is None and self.forks.takes(words, env):
                process = self.forks.start(words, environ=env, err=log.fileno(), cwd=cwd)
            else:
                process = subprocess.Popen(
                    words,
                    stdin=terminal,
                    stdout=subprocess.PIPE if terminal is None else terminal,
                    stderr=log,
                    text=True,
                    cwd=cwd,
                    env=env,
                )
        self.programs.append(process)
        return process

    def log(self, process: Program) -> str:
        """What ``process`` has logged so far."""
        return (self.folder / f"log{self.programs.index(process)}").read_text(encoding="utf-8")

    async def until_logged(self, process: Program, text: str, times: int) -> None:
        """Wait until ``process`` has logged ``text`` that often, and not more."""
        async with asyncio.timeout(STOP_S):
            while self.log(process).count(text) < times:  # noqa: ASYNC110 - a log file wakes nobody
                await asyncio.sleep(0.02)
        assert self.log(process).count(text) == times

    def stop(self, process: Program, how: signal.Signals = signal.SIGTERM) -> int:
        """Signal ``process`` and return its exit code."""
        process.send_signal(how)
        return process.wait(STOP_S)

    async def command(self, module: str, *words: str) -> Done:
        """Run a command to its end, while the simulated Microsoft goes on in this process."""
        words = (*self.python(module, *words), "--config", str(self.config))
        env = {**os.environ, "HOME": str(self.folder)}
        return await asyncio.to_thread(self.forks.run, words, environ=env)

    def be(self, availability: str, activity: str | None = None, **more: str) -> None:
        """Change Alice's presence at Microsoft."""
        self.home.directory.change(self.home.person, availability, activity, **more)  # type: ignore[arg-type]

    def end(self) -> None:
        for process in self.programs:
            if process.poll() is None:
                process.kill()
                process.wait(STOP_S)
            if process.stdout:
                process.stdout.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ServerCertificate:
    return make_certificate(Path(tmp_path_factory.mktemp("certificate")))


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    tmp_path: Path, certificate: ServerCertificate, forks: Forks
) -> AsyncIterator[Stage]:
    """Alice's code is approved at once; nothing is started."""
    home = household(SystemClock())
    async with (
        ScriptedMicrosoft(home.directory, certificate) as microsoft,
        running(tmp_path) as broker,
        subscriber(broker.port) as mqtt,
    ):
        microsoft.auto_approve(home.person)
        microsoft.codes.interval_s = 1
        built = Stage(tmp_path, microsoft, home, broker, mqtt, forks)
        built.configure()
        try:
            yield built
        finally:
            built.end()
            for process in built.programs:  # pytest shows it when the test failed
                sys.stdout.write(f"{process.args!r}\n{built.log(process)}\n")
            sys.stdout.write(broker.log[-20_000:])


@pytest.fixture
def home(chrome: Browser, stage: Stage) -> Home:
    """Nobody approves anything by themselves; nothing is started."""
    stage.microsoft.auto_approve(None)
    built = Home(stage, chrome)
    built.configure()
    return built
