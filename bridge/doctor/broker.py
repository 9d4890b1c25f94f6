"""How the broker takes us, and what it announces; nothing of ours stays there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bridge.broker import Received, Session, SubscriptionRefusedError, collect, visiting
from bridge.broker.dial import KEEPALIVE_S
from bridge.broker.receive_check import probe_topic
from bridge.broker.session import LARGEST_PAYLOAD
from bridge.broker.window import WINDOW
from bridge.config.tables.config import Config
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from bridge.doctor.findings import Finding, bad, good
from bridge.doctor.lamps import apart_in, clocks, rule_topic
from bridge.doctor.remedies import broker_remedy
from bridge.doctor.rights import rights

LOOK_S = 2.0
NEEDED = 16 * 1024
"""Bytes: the discovery message of one person is about half as large."""


async def broker(config: Config) -> tuple[list[Finding], bool]:
    """How each broker takes us, connected as the bridge is, and whether a bridge is online there.

    What is wrong with one of several is found while the others still serve.
    """
    each = [
        await _broker(config.model_copy(update={"mqtt": alone})) for alone in config.mqtt.brokers
    ]
    return [finding for findings, _ in each for finding in findings], any(it for _, it in each)


async def _broker(config: Config) -> tuple[list[Finding], bool]:
    topics = config.topics
    probe = probe_topic(topics)
    will = Message(probe, b"")  # it takes the probe away where we cannot
    findings = [good(f"broker: {config.mqtt.address} lets {config.mqtt.user} in")]
    try:
        async with visiting(config.mqtt, will=will) as session:
            heard = await _stored(session, topics)
            online = (topics.bridge_state, ONLINE.encode()) in [(m.topic, m.payload) for m in heard]
            announced = session.limits
            findings += [*limits(asdict(announced)), *clocks(apart_in(heard, topics))]
            if not online and announced.retain_available and announced.maximum_qos > 0:
                findings += await rights(session, config, probe)
    except PresenceBridgeError as error:
        text = str(error).removeprefix("broker ")
        return [bad(f"broker: {text}", broker_remedy(error))], False
    return findings, online


async def _stored(session: Session, topics: Topics) -> list[Received]:
    """What lamps and bridge have said; the bridge's word comes last."""
    rules = rule_topic(topics)
    with suppress(SubscriptionRefusedError):  # named with the other rights
        await session.subscribe(rules, commands=False)
    await session.subscribe(topics.bridge_state, commands=False)
    return await collect(
        session, [rules, topics.bridge_state], lambda m: m.topic == topics.bridge_state, LOOK_S
    )


def limits(announced: Mapping[str, Any]) -> Iterator[Finding]:
    """A finding for each limit of CONNACK (MQTT 5, 3.2.2.3) below what we use."""
    if announced.get("retain_available") is False:
        yield bad(
            "broker: keeps no retained messages (Retain Available 0): who starts later knows "
            "nothing of what is true now",
            "Let it keep them: retain_available true in mosquitto.conf.",
        )
    if announced.get("maximum_qos") == 0:
        yield good(
            "broker: Maximum QoS 0: what is lost on the way is sent again with the next beat"
        )
    size = announced.get("maximum_packet_size")
    if size is not None and size < NEEDED:
        yield bad(
            f"broker: Maximum Packet Size {size} bytes: what Home Assistant needs may not pass",
            f"Raise it to {NEEDED} or more: max_packet_size in mosquitto.conf.",
        )
    elif size is not None and size < LARGEST_PAYLOAD:
        yield good(f"broker: Maximum Packet Size {size} bytes")
    window = announced.get("receive_maximum")
    if window is not None and window < WINDOW:
        yield good(f"broker: Receive Maximum {window}: so many messages are on the way at once")
    keep_alive_s = announced.get("keep_alive_s")
    if keep_alive_s is not None and keep_alive_s < KEEPALIVE_S:
        yield good(f"broker: Server Keep Alive {keep_alive_s} s")
