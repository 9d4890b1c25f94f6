"""A subscriber as a process: prints when it heard what, and comes back to a broker that restarts.

    python -m bench.listener PORT FILTER...     a line a message: monotonic seconds, topic, payload

It does not ask for stored messages.
"""

from __future__ import annotations

import sys
import time

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

NOTHING_STORED = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_DO_NOT_SEND)


def listen(port: int, filters: list[str]) -> None:
    """Listen until the process ends."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.reconnect_delay_set(1, 1)
    client.on_connect = lambda c, *_: c.subscribe([(each, NOTHING_STORED) for each in filters])
    client.on_message = lambda _c, _d, message: _print(message)
    client.connect("127.0.0.1", port)
    client.loop_forever(retry_first_connection=True)


def _print(message: MQTTMessage) -> None:
    print(time.monotonic(), message.topic, message.payload.decode(), sep="\t", flush=True)


if __name__ == "__main__":
    listen(int(sys.argv[1]), sys.argv[2:])
