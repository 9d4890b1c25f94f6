"""How the broker takes us, what it announces, and what lamps say there of their clocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bridge.broker import Received, Session, SubscriptionRefusedError, collect, visiting
from bridge.broker.dial import KEEPALIVE_S
from bridge.broker.receive_check import probe_topic
from bridge.broker.session import LARGEST_PAYLOAD
from bridge.broker.window import WINDOW
from bridge.config.tables.config import Config
from bridge.contract.clock import apart_words
from bridge.contract.errors import ContractError, PresenceBridgeError
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message, decode_json
from bridge.doctor.broker_rules import rights
from bridge.doctor.findings import Finding, bad, good
from bridge.doctor.remedies import broker_remedy

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


def clocks(apart_s: Mapping[str, object]) -> Iterator[Finding]:
    """A finding for each lamp whose clock is not the bridge's: the bridge's minus its own."""
    for name, seconds in sorted(apart_s.items()):
        if isinstance(seconds, int | float) and seconds:
            yield bad(
                f"lamp {name}: its clock is {apart_words(-seconds)} the bridge's",
                "Set the time of both hosts: timedatectl set-ntp true. Presence is shown right all "
                "the same; schedules go by the lamp's clock.",
            )


def rule_topic(topics: Topics) -> str:
    """Where all lamps tell how far the bridge's clock is from theirs."""
    return f"{topics.base}/driver/+/light/rule"


def apart_in(received: Iterable[Received], topics: Topics) -> dict[str, object]:
    """What was stored on ``rule_topic``, by the name of the lamp."""
    before, _, after = rule_topic(topics).partition("+")
    apart: dict[str, object] = {}
    for message in received:
        if message.topic.startswith(before) and message.topic.endswith(after):
            name = message.topic.removeprefix(before).removesuffix(after)
            try:
                apart[name] = decode_json(message.payload).get("clock_apart_s")
            except ContractError:
                continue  # others may write there
    return apart
