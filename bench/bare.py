"""The libraries that a program cannot do without, and nothing of ours: their start and memory."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from bench.rig import Rig

LIBRARIES = ("aiohttp", "msal", "paho.mqtt.client", "pydantic")
DRIVER = ("asyncio", "paho.mqtt.client", "pydantic")
KINDS: Mapping[str, tuple[str, ...]] = {
    "command": (),
    "console": (),
    "http": ("http.client",),
    "hue": ("phue",),
    "serial": ("serial",),
    "mqtt": (),
    "gpio": ("gpiozero", "gpiozero.pins.mock"),
    "usb": ("busylight_core",),
    "virtual": (),
    "wled": ("http.client",),
    "lifx": ("lifx",),
    "pixels": ("pi5neo",),
    "wiz": ("pywizlight",),
    "yeelight": ("yeelight.aio",),
}
"""What each kind of light loads beside."""
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "bridge": ("aiohttp.web", *LIBRARIES),
    "driver": DRIVER,
    **{kind: (*DRIVER, *libraries) for kind, libraries in KINDS.items()},
}
A_MODEL = "class Model(pydantic.BaseModel):\n    number: int = pydantic.Field(1, ge=0)"
"""What pydantic needs for its first model is loaded with it, and not by its import."""
READ_MEMORY = (
    "print(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
)


async def start_s(program: str, then: str = "") -> float:
    """Seconds until a Python has loaded the libraries of ``program``, done ``then``, and ended."""
    code = f"import {', '.join(PROGRAMS[program])}\n{A_MODEL}\n{then}"
    began_s = time.monotonic()
    await python("-c", code)
    return time.monotonic() - began_s


async def memories_mib(rig: Rig) -> dict[str, float]:
    """By program: MiB of its libraries that have talked to what it talks to."""
    return {program: await _talked_mib(rig, program) for program in PROGRAMS}


async def _talked_mib(rig: Rig, program: str) -> float:
    settings: dict[str, Any] = {"libraries": PROGRAMS[program], "mqtt_port": rig.mqtt_port}
    if program == "bridge":
        settings |= {"graph": rig.microsoft.graph_url, "ca_file": str(rig.microsoft.ca_file)}
    return int(await python("-m", "bench.bare_program", json.dumps(settings))) / 1024


async def memory_mib(code: str) -> float:
    """MiB of a Python that has run ``code``."""
    return int(await python("-c", f"{code}\n{READ_MEMORY}")) / 1024


async def python(*arguments: str) -> bytes:
    """What a Python prints, on both of its outputs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed = (await process.communicate())[0]
    if process.returncode:
        raise RuntimeError(f"a Python ended with {process.returncode}: {printed.decode()}")
    return printed


def processor_s(*arguments: str) -> float:
    """The processor's time that a Python takes, its own and the system's for it."""
    process = subprocess.Popen([sys.executable, *arguments])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"a Python ended with {process.returncode}")
    return used.ru_utime + used.ru_stime
