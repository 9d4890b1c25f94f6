"""Programs that are told to stop while something does not stop."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.app import command_line

PROLOGUE = """
import asyncio, os, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from bridge.config import logs
from bridge.service.signals import Signals
logs.set_up("info", "text", under_journal=False)
signals = Signals(stop_s=1.0, leftover_s=0.5)
signals.start()
def hang():
    time.sleep(600)
async def serve(work):
    stop = asyncio.Event()
    def stopped():
        signals.leave_soon(said_goodbye=False, otherwise=lambda: None)
        stop.set()
    with signals.sent_to(stopped, lambda: print("hang up", flush=True)):
        print("ready", flush=True)
        await work(stop)
    print("goodbye", flush=True)
    signals.leave_soon(said_goodbye=True, otherwise=lambda: os._exit(7))
    return signals.code
"""
WORK = {
    "a worker": """
async def work(stop):
    asyncio.get_running_loop().run_in_executor(None, hang)
    await stop.wait()
""",
    "a worker of a pool": """
pool = ThreadPoolExecutor()
async def work(stop):
    asyncio.get_running_loop().run_in_executor(pool, hang)
    await stop.wait()
""",
    "the event loop": """
async def work(stop):
    hang()
""",
    "a task that hears of no end": """
async def work(stop):
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass
""",
    "nothing": """
async def work(stop):
    await stop.wait()
""",
}
Program = subprocess.Popen[str]
RUN = "sys.exit(asyncio.run(serve(work)))"


STARTED = {
    "by a shell": """
import signal
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
""",
    "by nohup": """
import signal
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
""",
}


@contextmanager
def program(text: str, *, started: str = "by a shell") -> Iterator[Program]:
    process = subprocess.Popen(
        [sys.executable, "-c", STARTED[started] + text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def ended(process: Program, how: signal.Signals) -> int:
    process.send_signal(how)
    return process.wait(10)


@pytest.mark.parametrize("started", STARTED)
@pytest.mark.parametrize("what", WORK)
def test_whatever_hangs_the_program_ends_with_the_code_of_the_signal(
    what: str, started: str
) -> None:
    with program(PROLOGUE + WORK[what] + RUN, started=started) as process:
        assert ended(process, signal.SIGTERM) == 0
        out, log = process.communicate()
        said = what not in ("the event loop", "a task that hears of no end")
        assert ("goodbye" in out) is said
        assert ("something does not stop" in log) is (what != "nothing")


@pytest.mark.parametrize("started", STARTED)
def test_sigint_has_its_own_code_and_sighup_ends_nothing(started: str) -> None:
    with program(PROLOGUE + WORK["nothing"] + RUN, started=started) as process:
        process.send_signal(signal.SIGHUP)
        assert process.stdout is not None
        assert process.stdout.readline() == "hang up\n"
        process.send_signal(signal.SIGUSR1)
        assert ended(process, signal.SIGINT) == 130


def test_a_second_signal_ends_it_at_once() -> None:
    slow = PROLOGUE.replace("stop_s=1.0", "stop_s=600.0")
    with program(slow + WORK["the event loop"] + RUN) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        assert "once more to stop at once" in process.stderr.readline()
        assert ended(process, signal.SIGTERM) == 130


def test_a_signal_that_came_before_anybody_listened_stops_at_once() -> None:
    early = PROLOGUE + WORK["nothing"]
    early += (
        """
import signal
os.kill(os.getpid(), signal.SIGTERM)
while signals.code is None:
    time.sleep(0.01)
"""
        + RUN
    )
    with program(early) as process:
        assert process.wait(10) == 0
        assert "something does not stop" not in process.communicate()[1]


def test_a_signal_between_two_programs_in_one_process_is_heard_by_the_second() -> None:
    second = PROLOGUE.replace("def hang", "print('second', flush=True)\ndef hang")
    second += WORK["nothing"] + RUN
    first = (
        PROLOGUE
        + f"""
import signal
signals.end()
os.kill(os.getpid(), signal.SIGTERM)
print("ready", flush=True)
os.execv(sys.executable, [sys.executable, "-c", {second!r}])
"""
    )
    with program(first) as process:
        assert process.wait(10) == 0
        assert "second" in process.communicate()[0]


def test_a_restart_that_hangs_is_done_as_the_last_resort() -> None:
    text = PROLOGUE + WORK["a worker"].replace("await stop.wait()", "pass") + RUN
    with program(text) as process:
        assert process.wait(10) == 7


def test_a_restart_imports_nothing_from_the_working_directory(tmp_path: Path) -> None:
    (tmp_path / "bridge.py").write_text("raise SystemExit('the wrong one')", encoding="utf-8")
    for started_as in (["python", "-m", "bridge", "--version"], ["python", "-c", "import bridge"]):
        command = command_line(started_as, tmp_path)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    source = Path(__file__).parents[2]
    assert "-P" not in command_line(["python", "-m", "bridge"], source)
