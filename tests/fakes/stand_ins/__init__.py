"""GPIO pins, a strip and a USB light for programs in processes of their own, watched from the test.

gpiozero finds its pins by entry point, the others import ``hid`` and ``spidev``; this folder
on ``PYTHONPATH`` gives them ours, which tell a socket what they are told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

HERE, REPOSITORY = Path(__file__).parent, Path(__file__).parents[3]
ENTRY_POINT = "[gpiozero_pin_factories]\nwatched = watched_pins:WatchedFactory\n"


class Wires(asyncio.DatagramProtocol):
    """What is on the wires now."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        """For the programs."""
        self.duty: dict[str, float] = {}
        """By pin, such as ``GPIO17``; 0 (always low) to 1."""
        self.report = b""
        """The last one that the USB light got."""
        self.led: tuple[int, ...] = ()
        """What the first LED of the strip got: green, red, blue."""
        self.changed: Callable[[str], None] = lambda _: None
        """Called with ``gpio``, ``spi`` or ``usb`` at each message."""

    def datagram_received(self, data: bytes, addr: object) -> None:
        kind, *words = data.decode().split()
        if kind == "usb":
            self.report = bytes.fromhex(words[0])
        elif kind == "gpio":
            self.duty[words[0]] = float(words[1])
        elif kind == "spi":
            self.led = tuple(map(int, words))
        self.changed(kind)


@asynccontextmanager
async def wired(folder: Path) -> AsyncIterator[Wires]:
    """The wires until the end of the block; ``folder`` gets their socket and entry point."""
    metadata = folder / "watched_pins-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: watched_pins\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINT)
    path = (str(HERE), str(REPOSITORY), str(folder), os.environ.get("PYTHONPATH", ""))
    environment = {
        "GPIOZERO_PIN_FACTORY": "watched",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "STAND_IN_SOCKET": str(folder / "wires"),
    }
    transport, wires = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Wires(environment),
        local_addr=environment["STAND_IN_SOCKET"],
        family=1,
    )
    try:
        yield wires
    finally:
        transport.close()
