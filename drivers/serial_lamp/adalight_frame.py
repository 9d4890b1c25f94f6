r"""The frame of Adalight: ``Ada``, the number of LEDs, a check byte, then red, green, blue of each.

Pure. Source: Adafruit, "Adalight" sketch LEDstream (``Ada\n`` when it starts and while it waits).
"""

from __future__ import annotations

from bridge.contract.light import Rgb

MAGIC = b"Ada"
BITS_A_BYTE = 10
"""8N1: a start bit, eight bits, a stop bit."""


def encode(color: Rgb, leds: int) -> bytes:
    """A frame that gives all ``leds`` (1 to 65536) one colour."""
    high, low = divmod(leds - 1, 256)
    return MAGIC + bytes((high, low, high ^ low ^ 0x55)) + bytes(color) * leds


def frame_s(leds: int, baud: int) -> float:
    """Seconds that a frame is on the line."""
    return (len(MAGIC) + 3 + 3 * leds) * BITS_A_BYTE / baud


def says_ready(line: bytes) -> bool | None:
    """``True`` for the line of a sketch that waits for frames, else ``None``."""
    return True if line.strip().endswith(MAGIC) else None
