"""Runs a paho client on the asyncio event loop, without a thread."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt.client import Client

from bridge.broker.session import ConnectionFailedError, Silence

READ_MOST = 200
"""Packets handled before other tasks have their turn."""
LOOK_EVERY_S = 1.0
LOOKS = 4
"""In the time of a keepalive: a broker may want a shorter one than ours, and ends what is half as
much later (MQTT 5, 3.1.2.10)."""


class PahoLoop:
    """Reads and writes for ``client`` when its socket can; ``garbage`` hears of what is no MQTT."""

    def __init__(self, client: Client, garbage: Callable[[Exception], None]) -> None:
        self._client, self._garbage = client, garbage
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.packets = 0
        """Packets seen by the callbacks of the client, which count them here."""

    def start(self) -> None:
        """Serve from now on.

        Raises:
            ConnectionFailedError: The connection has ended.
        """
        client, loop, sock = self._client, self._loop, self._client.socket()
        client.on_socket_close = lambda _c, _d, sock: self._unwatch(sock)
        client.on_socket_register_write = lambda _c, _d, sock: loop.add_writer(
            sock, client.loop_write
        )
        client.on_socket_unregister_write = lambda _c, _d, sock: self._unwatch_write(sock)
        if not isinstance(sock, socket.socket):
            raise ConnectionFailedError("the connection ended", unanswered=Silence.ENDED)
        if sock.family != socket.AF_UNIX:  # else the second of two small packets waits for 40 ms
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.add_reader(sock, self._read)
        if client.want_write():
            loop.add_writer(sock, client.loop_write)
        self._look_after()

    def stop(self, *, politely: bool) -> None:
        """Free the socket; ``politely`` with a DISCONNECT, if the system takes that at once."""
        client = self._client
        if politely and client.socket() is not None:
            with suppress(Exception):  # it ends in any case
                client.disconnect()
                client.loop_write()
        if self._timer is not None:
            self._timer.cancel()
        client.on_disconnect = client.on_socket_close = client.on_socket_unregister_write = None
        sock = client.socket()
        if isinstance(sock, socket.socket) and sock.fileno() >= 0:
            self._unwatch(sock)
            sock.close()

    def _read(self) -> None:
        client, began = self._client, self.packets
        try:
            while self.packets - began < READ_MOST:
                before = self.packets
                client.loop_read()
                sock = client.socket()
                hidden = isinstance(sock, ssl.SSLSocket) and sock.pending()  # epoll cannot see it
                if sock is None or (self.packets == before and not hidden):
                    return
            if hidden:
                self._loop.call_soon(self._read)
        except Exception as error:  # noqa: BLE001 - paho meets garbage with many kinds of errors
            self._garbage(error)

    def _look_after(self) -> None:
        """Ping, and notice a broker that does not answer."""
        self._client.loop_misc()
        wait_s = min(LOOK_EVERY_S, (self._client.keepalive or LOOK_EVERY_S) / LOOKS)
        self._timer = self._loop.call_later(wait_s, self._look_after)

    def _unwatch_write(self, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _unwatch(self, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)
