"""Starts our programs by a fork of one process that has loaded them, in a tenth of the time.

Each is a process of its own, with its own words, environment, folder, files, signals and exit code.
That they also start from nothing is for the tests of the command line, signals and containers.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn, Protocol

ROOT = Path(__file__).parents[2]
MOST = 200_000
"""The bytes of one request."""
LOADED = (
    *("aiohttp.web", "cryptography.x509", "msal", "paho.mqtt.client", "segno", "zeroconf.asyncio"),
    *("bridge.app", "bridge.cli", "bridge.commands.accounts", "bridge.commands.login"),
    *("bridge.commands.registration", "bridge.doctor", "bridge.service"),
    *("bridge.web.server", "drivers.cli", "drivers.runtime.heartbeat", "drivers.runtime.runner"),
)


class Program(Protocol):
    """A started program: ``subprocess.Popen`` is one too."""

    pid: int
    stdout: IO[str] | None

    @property
    def args(self) -> object: ...
    @property
    def returncode(self) -> int | Any: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True)
class Done:
    """A program that has ended."""

    pid: int
    returncode: int
    stdout: str
    stderr: str


@dataclass
class Fork:
    """A program that was started by a fork."""

    args: Sequence[str]
    pid: int
    stdout: IO[str] | None
    _end: int
    """A pipe, on which the exit code comes."""
    returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Signal it, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
            told = os.read(self._end, 100)
            os.close(self._end)
            self.returncode = int(told) if told else -signal.SIGKILL
        return self.returncode


class Forks:
    """The process that has loaded the programs; ``before`` are words that start it, as ``env``."""

    def __init__(self, *before: str) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        python = [sys.executable, "-m", __name__, str(theirs.fileno())]
        self._python = _of_python(os.environ)
        self._process = subprocess.Popen(
            [*before, *python], cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
        )
        theirs.close()

    def start(
        self,
        words: Sequence[str],
        *,
        environ: Mapping[str, str],
        err: int,
        out: int | None = None,
        cwd: Path | None = None,
    ) -> Fork:
        """Start ``words``; ``err`` and ``out`` are open files, else ``stdout`` is a pipe of it."""
        request = json.dumps([list(words), dict(environ), str(cwd or Path.cwd())]).encode()
        ours, end = os.pipe()
        said, says = os.pipe() if out is None else (None, out)
        with Path(os.devnull).open("rb") as nothing:
            socket.send_fds(self._door, [request], [nothing.fileno(), says, err, end])
        os.close(end)
        if said is not None:
            os.close(says)
        stdout = None if said is None else os.fdopen(said, encoding="utf-8")
        return Fork(words, int(os.read(ours, 16)), stdout, ours)

    def run(
        self,
        words: Sequence[str],
        *,
        environ: Mapping[str, str],
        cwd: Path | None = None,
        timeout_s: float = 60,
    ) -> Done:
        """Run ``words`` to the end, by a fork or else from nothing."""
        if not self.takes(words, environ):
            pipe = subprocess.PIPE
            with subprocess.Popen(
                words, env=environ, cwd=cwd, stdout=pipe, stderr=pipe, text=True
            ) as process:
                said = process.communicate(timeout=timeout_s)
                return Done(process.pid, process.returncode, *said)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            program = self.start(
                words, environ=environ, out=out.fileno(), err=err.fileno(), cwd=cwd
            )
            try:
                code = program.wait(timeout_s)
            finally:
                program.kill()
            for file in (out, err):
                file.seek(0)
            return Done(program.pid, code, out.read(), err.read())

    def takes(self, words: Sequence[str], environ: Mapping[str, str]) -> bool:
        """Whether a fork does: not for other programs, nor where Python is asked to differ."""
        is_ours = tuple(words[:2]) == (sys.executable, "-m") and words[2] in ("bridge", "drivers")
        return is_ours and _of_python(environ) == self._python

    def close(self) -> None:
        """End the process; programs that still run go on."""
        self._door.close()
        self._process.wait(30)


def _of_python(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(("PYTHON", "LC_"))}


def _serve(door: socket.socket) -> NoReturn:
    """Fork for each request; the child returns to the bottom of the stack, as any program does."""
    for name in LOADED:
        importlib.import_module(name)
    running: dict[int, int] = {}

    def reap(_: int, __: FrameType | None) -> None:
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            end = running.pop(pid)
            os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(end)

    signal.signal(signal.SIGCHLD, reap)
    while True:
        told, files, *_ = socket.recv_fds(door, MOST, 4)
        if not told:
            os._exit(0)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
        pid = os.fork()
        if not pid:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            for end in running.values():
                os.close(end)
            door.close()
            os.close(files.pop())
            words, environ, cwd = json.loads(told)
            sys.exit(_become(words, environ, cwd, files))
        running[pid] = files[3]
        for file in files[:3]:
            os.close(file)
        os.write(running[pid], f"{pid:<16}".encode())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})


def _become(words: list[str], environ: dict[str, str], cwd: str, files: list[int]) -> int:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environ)
    time.tzset()
    os.chdir(cwd)
    sys.path[0] = cwd
    sys.orig_argv[:] = words
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(number, mode, buffering, closefd=False)
        for number, mode, buffering in ((0, "r", -1), (1, "w", -1), (2, "w", 1))
    )
    program = importlib.import_module(words[2])
    sys.argv[:] = [str(Path(program.__path__[0], "__main__.py")), *words[3:]]
    return int(importlib.import_module(f"{words[2]}.cli").main())


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
