"""A program of libraries alone: it loads them, talks, and prints the KiB that it takes.

What it says to the broker, and for the bridge to Graph, is the least that a program of that kind
must: the memory of that conversation belongs to the libraries too.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import ssl
import sys
import tomllib
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pydantic
from paho.mqtt.enums import CallbackAPIVersion

DEADLINE_S = 10


class Model(pydantic.BaseModel):
    """What pydantic needs for its first model is loaded with it, and not by its import."""

    libraries: list[str]
    mqtt_port: int = pydantic.Field(ge=0)
    graph: str | None = None
    ca_file: str | None = None


def main() -> None:
    """``python -m bench.bare_program SETTINGS`` with the settings as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("settings", type=json.loads)
    settings = Model.model_validate(parser.parse_args().settings)
    for library in settings.libraries:
        importlib.import_module(library)
    tomllib.loads("")
    asyncio.run(_talk(settings))


def _resident_kib() -> str:
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(line.split()[1] for line in status if line.startswith("VmRSS:"))


async def _talk(settings: Model) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    await asyncio.to_thread(client.connect, "127.0.0.1", settings.mqtt_port)
    client.loop_start()
    said = client.publish("bench/bare", json.dumps({"value": 1}), qos=1)
    await asyncio.to_thread(said.wait_for_publish, DEADLINE_S)
    if settings.graph:
        await _ask(settings.graph, settings.ca_file)
    print(_resident_kib())
    client.disconnect()
    client.loop_stop()


async def _ask(graph: str, ca_file: str | None) -> None:
    """One request over TLS, beside a server that nobody visits."""
    aiohttp: Any = sys.modules["aiohttp"]
    server = aiohttp.web.AppRunner(aiohttp.web.Application())
    await server.setup()
    await aiohttp.web.TCPSite(server, "127.0.0.1", 0).start()
    trusted = ssl.create_default_context(cafile=ca_file)
    async with aiohttp.ClientSession() as session, session.get(graph, ssl=trusted) as response:
        await response.read()
    await server.cleanup()


if __name__ == "__main__":
    main()
