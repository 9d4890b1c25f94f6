"""What a fresh interpreter loads and touches that imports a kind of light."""

from __future__ import annotations

import functools
import subprocess
import sys

from drivers.registry import installed

LIBRARIES = (
    *("aiohttp", "busylight_core", "gpiozero", "hid", "lgpio", "lifx", "msal", "phue"),
    *("pi5neo", "pywizlight", "serial", "spidev", "yeelight"),
)

PROBE = """
import sys
touched = []
def look(event, arguments):
    if event == "open" and str(arguments[0]).startswith(("/dev/", "/sys/class")):
        touched.append(arguments[0])
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.listdir") and (
        event != "os.listdir" or str(arguments[0]).startswith(("/dev", "/sys"))
    ):
        touched.append(event)
from drivers.registry import find
sys.addaudithook(look)
kind = find(sys.argv[1])
libraries = {library for library in sys.argv[2].split() if library in sys.modules}
others = {name for name in sys.modules if name in sys.argv[3].split()}
print(kind.name, sorted(libraries), sorted(others), touched)
"""


@functools.cache
def loaded(name: str) -> tuple[str, str]:
    """What an interpreter loads and touches that imports the kind called ``name``, and its errors.

    Raises:
        LookupError: No installed package has such an entry point.
    """
    points = installed()
    if name not in points:
        raise LookupError(
            f"no entry point presence.drivers is called {name}: pip install -e . its package"
        )
    others = {point.module for point in points.values()} - {points[name].module}
    words = [sys.executable, "-c", PROBE, name, " ".join(LIBRARIES), " ".join(others)]
    done = subprocess.run(  # noqa: S603 - our own words
        words, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.strip(), done.stderr
