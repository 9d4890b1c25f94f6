"""A serial port with a board behind it, made of a pty, that can be unplugged and plugged in."""

from __future__ import annotations

import asyncio
import os
import pty
import tty
from collections.abc import Callable
from pathlib import Path

from tests.fakes.serial_boards import SilentBoard


class Plug:
    """``path`` is the port while the board is plugged in; the board starts each time."""

    def __init__(self, path: Path, board: SilentBoard) -> None:
        self.path, self.board = path, board
        self._master = self._slave = -1
        self._heard = asyncio.Event()
        self._error: AssertionError | None = None

    def plug(self) -> None:
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path.symlink_to(os.ttyname(self._slave))
        self._say(self.board.restart())
        self.listen()

    def unplug(self) -> None:
        if self._master >= 0:
            self.deafen()
            os.close(self._master)
            os.close(self._slave)
            self._master = -1
            self.path.unlink()
        if self._error:
            raise self._error

    def listen(self) -> None:
        asyncio.get_running_loop().add_reader(self._master, self._receive)

    def deafen(self) -> None:
        """Take nothing any more: the line fills up."""
        asyncio.get_running_loop().remove_reader(self._master)

    def press_reset(self) -> None:
        """The board restarts; the port stays."""
        self._say(self.board.restart())

    def interject(self, noise: bytes) -> None:
        """What comes in without having been asked for."""
        self._say(noise)

    async def until(self, condition: Callable[[], object], *, deadline_s: float = 30) -> None:
        """Wait until the board has heard what makes ``condition`` true."""
        async with asyncio.timeout(deadline_s):
            while not condition():
                self._heard.clear()
                await self._heard.wait()

    def _receive(self) -> None:
        try:
            self._say(self.board.receive(os.read(self._master, 65_536)))
        except AssertionError as error:
            self._error = error
        self._heard.set()

    def _say(self, answer: bytes) -> None:
        while answer:
            answer = answer[os.write(self._master, answer) :]
