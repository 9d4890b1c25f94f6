"""How the broker takes us, where no running service can be asked. Leaves nothing there."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict

from bridge.broker import Received, Session, SubscriptionRefusedError, collect, visiting
from bridge.broker.probe import probe_topic
from bridge.config.models import Config
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.topics import ONLINE, Topics
from bridge.contract.wire import Message
from bridge.doctor.cures import broker_cure
from bridge.doctor.findings import Finding, bad, good
from bridge.doctor.lamps import apart_in, clocks, rule_topic
from bridge.doctor.limits import limits
from bridge.doctor.rights import rights

LOOK_S = 2.0


async def broker(config: Config) -> tuple[list[Finding], bool]:
    """How the broker takes us, connected as the bridge is, and whether a bridge is online there."""
    topics = config.topics
    probe = probe_topic(topics)
    try:
        return await _visit(config, topics, probe)
    except PresenceBridgeError as error:
        text = str(error).removeprefix("broker ")
        return [bad(f"broker: {text}", broker_cure(error))], False


async def _visit(config: Config, topics: Topics, probe: str) -> tuple[list[Finding], bool]:
    """The will takes the probe away where we cannot."""
    will = Message(probe, b"")
    who = config.mqtt.user
    async with visiting(config.mqtt, will=will) as session:
        heard = await _stored(session, topics)
        online = any(
            message.topic == topics.bridge_state and message.payload == ONLINE.encode()
            for message in heard
        )
        announced = session.limits
        findings = [*limits(asdict(announced)), *clocks(apart_in(heard, topics))]
        if not online and announced.retain_available and announced.maximum_qos > 0:
            findings += await rights(session, config, topics, probe)
    return [good(f"broker: {config.mqtt.address} lets {who} in"), *findings], online


async def _stored(session: Session, topics: Topics) -> list[Received]:
    """What lamps and bridge have said; the bridge's word comes last."""
    rules = rule_topic(topics)
    with suppress(SubscriptionRefusedError):  # told with the other rights
        await session.subscribe(rules, commands=False)
    await session.subscribe(topics.bridge_state, commands=False)
    return await collect(
        session, [rules, topics.bridge_state], lambda m: m.topic == topics.bridge_state, LOOK_S
    )
