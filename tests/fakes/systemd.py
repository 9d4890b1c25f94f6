"""The socket on which systemd hears how a process is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

UNTIL_S = 30.0


class Systemd:
    """Hears as systemd does, at a path or, with ``@``, at a name in no file system."""

    def __init__(self, address: str) -> None:
        self.environ = {"NOTIFY_SOCKET": address}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address.replace("@", "\0", 1))
        self._socket.settimeout(0)

    def heard(self) -> list[str]:
        """What came since the last time."""
        words = []
        while True:
            try:
                words.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return words

    async def next(self) -> str:
        """The next word of a process."""
        async with asyncio.timeout(UNTIL_S):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 4096)).decode()

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@contextmanager
def listening(address: str) -> Iterator[Systemd]:
    """A socket at ``address`` while the block runs."""
    systemd = Systemd(address)
    try:
        yield systemd
    finally:
        systemd.close()
