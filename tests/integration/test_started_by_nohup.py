import subprocess
import sys

STARTED = """
import signal, subprocess, sys
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
from tests.conftest import pytest_configure
pytest_configure()
for number in (signal.SIGINT, signal.SIGHUP):
    signal.raise_signal(number)
program = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_DFL)"
subprocess.run([sys.executable, "-c", program], check=True)
"""


def test_tests_that_ignore_signals_start_programs_that_do_not() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")
