"""Chooses and opens a serial port, and says what went wrong with it.

All calls block, for no longer than the seconds named here: they belong on a thread of their own.
The only module that imports pyserial. What it raises when a device is pulled out (measured with
pyserial 3.5): SerialException from read and write, a bare OSError from ``in_waiting``,
``termios.error`` from ``reset_input_buffer``; ``is_open`` stays true.
"""

from __future__ import annotations

import errno
import termios
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import TypeVar

from serial import Serial, SerialException, SerialTimeoutException
from serial.tools.list_ports import comports
from serial.tools.list_ports_common import ListPortInfo

from bridge.contract.errors import LightRefusedError, LightUnreachableError
from drivers.serial_lamp.options import SerialOptions

T = TypeVar("T")

WRITE_S = 2.0
"""The longest that a write may block; pyserial waits for ever without it."""
LOOK_S = 0.05
"""So long one read waits; the reading thread then looks at its deadline."""
AWAY_S = 2.0
"""Between two looks for a device that is not plugged in; a look costs nothing."""
MOST_BYTES = 65_536
"""A device that never ends its line is not listened to any longer."""

_AWAY = {errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO}
_TAKEN = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EBUSY}
_FORBIDDEN = {errno.EACCES, errno.EPERM}


class SerialPort:
    """An open port, read line by line."""

    def __init__(
        self, opened: Serial, stop: Event, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._serial, self._stop, self._monotonic = opened, stop, monotonic
        self._heard = bytearray()

    def write(self, data: bytes) -> None:
        """Hand ``data`` to the system."""
        with self._translated():
            self._serial.write(data)

    def answer(self, parse: Callable[[bytes], T | None], *, within_s: float) -> T | None:
        """The first line that ``parse`` can read; ``None`` when none has come in time."""
        until = self._monotonic() + within_s
        while True:
            while (line := self._line()) is not None:
                if (found := parse(line)) is not None:
                    return found
            if self._monotonic() >= until:
                return None
            if self._stop.is_set():
                raise LightUnreachableError(f"{self._serial.name}: given up while waiting")
            with self._translated():
                self._heard += self._serial.read(1)
                self._heard += self._serial.read(self._serial.in_waiting)

    def forget(self) -> None:
        """Drop what came in and was not read."""
        self._heard.clear()
        with self._translated():
            self._serial.reset_input_buffer()

    def close(self) -> None:
        """Let go of the port; works with a device that is gone, and twice."""
        self._serial.close()

    def _line(self) -> bytes | None:
        if len(self._heard) > MOST_BYTES:
            self._heard.clear()
        line, end, rest = self._heard.partition(b"\n")
        if not end:
            return None
        self._heard = rest
        return bytes(line)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except SerialTimeoutException as error:
            raise LightUnreachableError(
                f"{self._serial.name} has taken no data for {self._serial.write_timeout:g} s"
            ) from error
        except (OSError, termios.error) as error:
            raise LightUnreachableError(
                f"{self._serial.name} is gone (unplugged?): {error}", retry_after_s=AWAY_S
            ) from error


def open_port(
    options: SerialOptions,
    *,
    stop: Event,
    comports: Callable[[], Iterable[ListPortInfo]] = comports,
    write_s: float = WRITE_S,
) -> SerialPort:
    """Open the port that ``options`` name, for us alone; on most boards that is a reset."""
    path = options.port or find(options, comports())
    try:
        opened = Serial(path, options.baud, timeout=LOOK_S, write_timeout=write_s, exclusive=True)
    except ValueError as error:
        raise LightRefusedError(
            f"{path} cannot do {options.baud} baud.", remedy="Set another baud."
        ) from error
    except (OSError, termios.error) as error:
        raise _refused(path, error) from error
    return SerialPort(opened, stop)


def find(options: SerialOptions, ports: Iterable[ListPortInfo]) -> str:
    """The path of the one USB device that ``options`` describe."""
    vendor, _, product = (options.usb or "").partition(":")
    found = [
        port
        for port in ports
        if (not vendor or port.vid == int(vendor, 16))
        and (not product or port.pid == int(product, 16))
        and options.usb_serial in ("", port.serial_number)
    ]
    wanted = " ".join(filter(None, (options.usb, options.usb_serial)))
    if not found:
        raise LightUnreachableError(
            f"no serial device {wanted} is plugged in", retry_after_s=AWAY_S
        )
    if len(found) > 1:
        known = ", ".join(f"{port.device} ({port.serial_number or 'none'})" for port in found)
        raise LightRefusedError(
            f"{len(found)} serial devices are {wanted}: {known}.",
            remedy="Set usb_serial to the number of the right one, or port to its path.",
        )
    return found[0].device


def _refused(path: str, error: Exception) -> LightUnreachableError | LightRefusedError:
    number = _errno(error)
    if number in _AWAY:
        return LightUnreachableError(f"{path} is not there (unplugged?)", retry_after_s=AWAY_S)
    if number in _TAKEN:
        return LightUnreachableError(f"{path} is in use by another program")
    if number in _FORBIDDEN:
        return LightRefusedError(
            f"{path} may not be opened by this user.",
            remedy="Add the user to the group of the port (often dialout) and log in again.",
        )
    return LightRefusedError(
        f"{path} is not a serial port that can be opened: {error}.",
        remedy="Set port to one that `python -m serial.tools.list_ports` shows.",
    )


def _errno(error: BaseException | None) -> int | None:
    """The number in ``error``, or in the one that pyserial turned into text."""
    if isinstance(error, SerialException) and error.errno is None:
        error = error.__context__
    if isinstance(error, termios.error):
        return int(error.args[0])
    return error.errno if isinstance(error, OSError) else None
