"""What the programs of the demo find: a simulated Microsoft, a broker, and a config with both."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.config.atomic_file import write_private
from bridge.contract.clock import SystemClock
from bridge.demo.broker import EmbeddedBroker
from bridge.demo.certificate import make_certificate
from bridge.demo.microsoft import CLIENT_ID, DOMAIN, listening
from bridge.demo.past import past_week
from bridge.demo.person import Person

STATE = "state"
_CONFIG = """\
state_dir = "{state}"
[mqtt]
host = "127.0.0.1"
port = {mqtt_port}
[microsoft]
tenant = "{domain}"
client_id = "{client_id}"
login_url = "{login_url}"
graph_url = "{graph_url}"
[network]
ca_file = "{ca_file}"
[polling]               # a day passes in a minute, so everything is quick
fastest = 1
steady = 1
slowest = 1
[web]
port = {page_port}
[accounts.alice]
name = "Alice"
[drivers.lamp]
kind = "console"
follow = ["alice"]
"""

_INTRODUCTION = """\
Presence Bridge demo: a simulated Microsoft, an MQTT broker, the real bridge, and a lamp.

  The page       http://127.0.0.1:{page_port}/
  Watch it       mosquitto_sub -h 127.0.0.1 -p {mqtt_port} -t 'presence/#' -v
  Home Assistant add the MQTT integration with this machine's broker on port {mqtt_port}
  Change it      curl --cacert {ca_file} {control}/people/{upn}/presence \\
                      -d '{{"availability": "Busy", "activity": "InACall"}}'
  Logs           {folder}/bridge.log and drivers.log

Alice lives through a working day in {day_s:.0f} seconds, again and again; what you change stays a
minute. The week before, on the page, is made up. Ctrl-C ends it.
"""


@dataclass(frozen=True)
class Scenery:
    """What runs, and what is said about it to the person who watches."""

    person: Person
    mqtt_port: int
    introduction: str


@asynccontextmanager
async def scenery(folder: Path, *, port: int, day_s: float) -> AsyncIterator[Scenery]:
    """Start Microsoft and the broker (on ``port``, or a free one), and write the config."""
    person = Person()
    certificate = make_certificate(folder / "certificate")
    async with (
        listening(person, certificate, SystemClock()) as microsoft,
        EmbeddedBroker(port=port) as broker,
    ):
        names = {
            "mqtt_port": broker.port,
            "page_port": _free_port(),
            "domain": DOMAIN,
            "client_id": CLIENT_ID,
            "login_url": microsoft.address,
            "graph_url": f"{microsoft.address}/v1.0",
            "ca_file": certificate.ca_file,
            "control": f"{microsoft.address}/control",
            "upn": person.upn,
            "folder": folder,
            "day_s": day_s,
            "state": STATE,
        }
        (folder / "config.toml").write_text(_CONFIG.format_map(names), encoding="utf-8")
        write_private(folder / STATE / "history.jsonl", past_week("alice", SystemClock()))
        yield Scenery(person, broker.port, _INTRODUCTION.format_map(names))


def _free_port() -> int:
    """A port for the page, away from that of a bridge that runs already."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
