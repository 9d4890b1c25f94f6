"""An emulated Arduino Uno that runs our sketch, on a pty; ``board_uno.c`` says what it can do."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
FIRMWARE = REPOSITORY / "scripts" / "firmware"
SOURCE = Path(__file__).with_suffix(".c")
TOOLS = ("avr-gcc", "gcc")
NEEDED = (
    Path("/usr/share/arduino/hardware/arduino/avr/cores/arduino/Arduino.h"),
    Path("/usr/include/simavr/sim_avr.h"),
    Path("/usr/include/libelf.h"),
)
Color = tuple[int, int, int]


def needs_avr_tools() -> None:
    """Skip with a reason where they are missing; in CI install them, or fail."""
    needs(*TOOLS, files=NEEDED)


def needs(*programs: str, files: Iterable[Path] = ()) -> None:
    """Skip with a reason where a compiler is missing; in CI install all of them, or fail."""
    if all(map(shutil.which, programs)) and all(path.exists() for path in files):
        return
    if not os.environ.get("CI"):
        pytest.skip("compilers are not installed (scripts/firmware --install)")
    installed = subprocess.run([FIRMWARE, "--install"], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.fail(f"compilers are missing and cannot be installed: {installed.stderr[-400:]}")


def compile_sketch(folder: Path, *flags: str) -> Path:
    """The sketch as an ELF file, built with ``flags`` by the script that users have."""
    built = subprocess.run(
        [FIRMWARE, folder, *flags], capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stderr
    return folder / "presence_lamp.elf"


def compile_board(folder: Path) -> Path:
    """The emulator as a program."""
    program = folder / "board_uno"
    words = ["gcc", "-O2", "-Wall", str(SOURCE), "-o", str(program)]
    libraries = ["-I/usr/include/simavr", "-lsimavr", "-lelf"]
    built = subprocess.run(
        [*words, *libraries], capture_output=True, text=True, check=False, timeout=300
    )
    assert built.returncode == 0, built.stderr
    return program


class Board:
    """A running board; ``port`` is where a driver finds it while it is plugged in."""

    def __init__(self, process: subprocess.Popen[str], port: Path) -> None:
        self._process, self.port = process, port
        self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("> "):
                return line[2:].strip()
        raise AssertionError("the emulated board has ended")

    def ask(self, command: str) -> str:
        """Send a command and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        return self._answer()

    def skip(self, seconds: float) -> None:
        """Let that much of the board's time pass at once."""
        self.ask(f"skip {round(seconds * 1000)}")

    @property
    def leds(self) -> list[Color]:
        """What each LED shows, once what was last told is drawn."""
        self.skip(0.04)
        return self.leds_now()

    def leds_now(self) -> list[Color]:
        """What each LED shows at this moment."""
        answer = self.ask("lamp")
        colors = [tuple(int(part) for part in led.split()) for led in answer.split(",") if led]
        return [(red, green, blue) for red, green, blue in colors]

    def course(self, seconds: float, step_s: float) -> list[Color]:
        """The first LED at each step, on a board that is held between them."""
        self.ask("hold")
        self.skip(0.04)
        colors = []
        for _ in range(round(seconds / step_s)):
            colors += self.leds_now()[:1]
            self.skip(step_s)
        self.ask("run")
        return colors


@contextmanager
def running(program: Path, sketch: Path, port: Path, *flags: str) -> Iterator[Board]:
    """A board with ``sketch`` on it, plugged in, until the end of the block."""
    process = subprocess.Popen(
        [program, sketch, port, *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        yield Board(process, port)
    finally:
        with process:
            process.kill()
        port.unlink(missing_ok=True)
