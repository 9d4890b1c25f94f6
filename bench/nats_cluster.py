"""Tries ``mqtt.hosts`` on three NATS nodes: one is killed, and what is retained is read on all.

python -m bench.nats_cluster /path/to/nats-server
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bridge.broker import Broker, Received, visit
from bridge.config.tables.shared import MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.wire import Message

STATE, FACT, REQUEST = "presence/bridge/state", "presence/account/a/state", "presence/bridge/ask"
NODES, READY_S, DEADLINE_S = 3, 30.0, 60.0
FIRST_MQTT, FIRST_CLIENT, FIRST_ROUTE = 19_881, 14_221, 16_221
_CONF = """
server_name: n{number}
listen: 127.0.0.1:{client}
jetstream {{ store_dir: "{folder}/store{number}", max_memory_store: 64MB, max_file_store: 256MB }}
mqtt {{ listen: 127.0.0.1:{mqtt} }}
cluster {{ name: home, listen: 127.0.0.1:{route}, routes: [{routes}] }}
"""


def started(program: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    routes = ", ".join(f'"nats://127.0.0.1:{FIRST_ROUTE + each}"' for each in range(NODES))
    for number in range(NODES):
        yield start(program, folder, number, routes)


def start(program: str, folder: Path, number: int, routes: str = "") -> subprocess.Popen[bytes]:
    conf = folder / f"n{number}.conf"
    if routes:
        conf.write_text(
            _CONF.format(
                number=number,
                folder=folder,
                routes=routes,
                client=FIRST_CLIENT + number,
                mqtt=FIRST_MQTT + number,
                route=FIRST_ROUTE + number,
            )
        )
    with (folder / f"n{number}.log").open("ab") as log:
        return subprocess.Popen([program, "-c", str(conf)], stdout=log, stderr=log)


async def retained(port: int) -> dict[str, str]:
    settings = MqttSettings(host="127.0.0.1", port=port, base_topic=f"look{port}")
    try:
        heard = await visit(settings, follow=["presence/#"], until=lambda _: False, within_s=1.5)
    except PresenceBridgeError as error:
        return {"": str(error)}
    return {each.topic: each.payload.decode() for each in heard if each.retain}


async def until_connected(broker: Broker, more_than: int) -> float:
    began_s = time.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while broker.connects <= more_than or not broker.connected:  # noqa: ASYNC110 - a bench
            await asyncio.sleep(0.05)
    return time.monotonic() - began_s


async def until_right(port: int) -> float:
    """Seconds until the newest value is what is stored there."""
    began_s = time.monotonic()
    async with asyncio.timeout(DEADLINE_S):
        while (await retained(port)).get(FACT) != "2":
            pass
    return time.monotonic() - began_s


async def trial(program: str, folder: Path) -> None:
    nodes = list(started(program, folder))
    ports = [FIRST_MQTT + number for number in range(NODES)]
    heard: list[Received] = []
    facts = [Message(FACT, b"1")]
    settings = MqttSettings.model_validate({"hosts": [f"127.0.0.1:{port}" for port in ports]})
    broker = Broker(
        settings,
        client_id="presence-bridge",
        state_topic=STATE,
        welcome=lambda: iter(facts),
        clock=SystemClock(),
    )
    broker.subscribe(REQUEST, heard.append, commands=True)
    running = asyncio.create_task(broker.run())
    try:
        print(
            f"connected after {await until_connected(broker, 0):.1f} s, {broker.address}, ", end=""
        )
        print(f"MQTT {broker.mqtt_version}; problems: {broker.problems}")
        for port in ports:
            print(f"  {port}: {await retained(port)}")
        used = ports.index(int(broker.address.rpartition(":")[2]))
        nodes[used].send_signal(signal.SIGKILL)
        nodes[used].wait()
        facts[0] = Message(FACT, b"2")
        print(f"killed {ports[used]}: ", end="", flush=True)
        back_s = await until_connected(broker, broker.connects)
        print(f"on {broker.address} after {back_s:.1f} s")
        alive = [port for port in ports if port != ports[used]]
        for port in alive:
            print(f"  {port}: right after {await until_right(port):.0f} s more")
        other = MqttSettings(host="127.0.0.1", port=alive[-1], base_topic="other")
        await visit(other, publish=[Message(REQUEST, b"?", retain=False)])
        await asyncio.sleep(1)
        print(f"a request on the third node: {'heard' if heard else 'NOT heard'}")
        nodes[used] = start(program, folder, used)
        await asyncio.sleep(10)
        print(f"the first one is back: {await retained(ports[used])}; used: {broker.address}")
    finally:
        running.cancel()
        await asyncio.wait({running})
        for node in nodes:
            node.kill()
            node.wait()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        asyncio.run(trial(sys.argv[1], Path(made)))
