"""The publishing side on a real broker: who is heard before whom, and who is right in the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bridge.broker import Broker
from bridge.broker.connection import connect
from bridge.broker.session import ProtocolVersion
from bridge.commands.account_states import from_broker
from bridge.config.tables.config import Config
from bridge.contract.account import AccountFacts, Followed
from bridge.contract.clock import SystemClock
from bridge.contract.presence import Availability
from bridge.contract.topics import Topics
from bridge.contract.wire import encode_account_state
from bridge.publishing import Publisher
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import Subscriber, subscriber
from tests.unit.publishing.bench import ALICE, NOW, FakeService, facts

TOPICS = Topics()
STATE = TOPICS.account("alice", "state")
CROWD = {f"team_p{n}": Followed("P", table="team", discover=False) for n in range(300)}
LARGE = {slug: replace(account, shares=True) for slug, account in CROWD.items()}
FRESH = TOPICS.table("team", "fresh")
ACL = """
user everybody
topic readwrite #
user bridge
topic readwrite presence/bridge/#
topic readwrite presence/table/#
topic readwrite presence/account/alice/#
topic readwrite homeassistant/#
"""


@asynccontextmanager
async def life(
    folder: Path,
    broker: Mosquitto,
    *,
    followed: dict[str, Followed],
    version: ProtocolVersion = ProtocolVersion.V5,
    username: str | None = None,
) -> AsyncIterator[tuple[Publisher, Broker, FakeService]]:
    """One life of a publisher that knows ``followed``, all of them away."""
    config = Config.model_validate(
        {
            "state_dir": folder / "state",
            "mqtt": {"host": "127.0.0.1", "port": broker.port, "username": username},
        }
    )
    clock, service = SystemClock(), FakeService()
    publisher = Publisher(
        partial(
            Broker,
            config.mqtt,
            client_id="presence-bridge",
            state_topic=TOPICS.bridge_state,
            clock=clock,
            connect=lambda greeting: connect(replace(greeting, version=version)),
        ),
        config=config,
        topics=TOPICS,
        service=service,
        raise_epoch=service.raise_epoch,
        clock=clock,
        version="1",
    )
    publisher.start()
    link = publisher.broker
    publisher.follow(followed)
    for slug in followed:
        publisher.states.update(facts(slug, Availability.AWAY, epoch=7))
    tasks = [asyncio.create_task(link.run()), asyncio.create_task(publisher.run())]
    try:
        yield publisher, link, service
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in reversed(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def later(slug: str, availability: Availability) -> AccountFacts:
    """What a read a minute later has found."""
    at = NOW + timedelta(minutes=1)
    valid_until = at + timedelta(minutes=5)
    return replace(
        facts(slug, availability, epoch=7), polled_at=at, valid_until=valid_until, changed_at=None
    )


async def said(mqtt: Subscriber, port: int, topic: str, since: int) -> list[bytes]:
    """What came on ``topic``, when all that was sent before now has come."""
    await mqtt.publish("mark", str(port))
    await mqtt.until("mark", since=since)
    await asyncio.sleep(0.2)  # long enough for an answer to an answer
    await mqtt.publish("mark", b"end")
    await mqtt.until_text("mark", "end", since=since)
    return [heard.payload for heard in mqtt.heard[since:] if heard.topic == topic]


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    async with running(tmp_path) as started:
        yield started


@pytest.fixture
async def roomy(tmp_path: Path) -> AsyncIterator[Mosquitto]:
    """With the queue for each subscriber that our own configs give it."""
    lines = "allow_anonymous true\nmax_queued_messages 20000"
    async with running(tmp_path, extra=lines) as started:
        yield started


@pytest.mark.parametrize("version", list(ProtocolVersion))
async def test_an_older_state_is_answered_once_with_the_true_one(
    tmp_path: Path, broker: Mosquitto, version: ProtocolVersion
) -> None:
    busy = replace(facts("alice", Availability.BUSY, epoch=7), polled_at=NOW - timedelta(minutes=2))
    async with (
        subscriber(broker.port) as mqtt,
        life(tmp_path, broker, followed={"alice": ALICE}, version=version) as (_, _, service),
    ):
        await mqtt.until_text(TOPICS.bridge_state, "online")
        since = len(mqtt.heard)
        await mqtt.publish(STATE, encode_account_state(busy), retain=True)
        await mqtt.until(STATE, lambda h: h.json["availability"] == "away", since=since)
        assert len(await said(mqtt, broker.port, STATE, since)) == 2, "the foreign one and ours"
        assert service.seen_epochs == []
        await mqtt.publish(STATE, b"", retain=True)
        await mqtt.until(STATE, lambda h: bool(h.payload), since=len(mqtt.heard))


@pytest.mark.parametrize("version", list(ProtocolVersion))
async def test_a_newer_state_of_an_earlier_life_raises_the_epoch(
    tmp_path: Path, broker: Mosquitto, version: ProtocolVersion
) -> None:
    newer = facts("alice", Availability.BUSY, epoch=9)
    async with subscriber(broker.port) as mqtt:
        await mqtt.publish(STATE, encode_account_state(newer), retain=True)
        async with life(tmp_path, broker, followed={"alice": ALICE}, version=version) as (
            publisher,
            _,
            service,
        ):
            await mqtt.until_text(TOPICS.bridge_state, "online")
            assert service.seen_epochs == [9]
            publisher.states.update(facts("alice", Availability.AWAY, epoch=10))
            await mqtt.until(STATE, lambda h: h.json["epoch"] == 10)


async def test_online_comes_before_the_crowd_and_requests_are_answered_meanwhile(
    tmp_path: Path, broker: Mosquitto
) -> None:
    followed = {"alice": ALICE, **CROWD}
    async with (
        subscriber(broker.port) as mqtt,
        life(tmp_path, broker, followed=followed) as (_, link, _),
    ):
        await mqtt.until_text(TOPICS.bridge_state, "online")
        await mqtt.until_text(TOPICS.account("team_p299", "availability"), "online")
        topics = [heard.topic for heard in mqtt.heard]
        online = topics.index(TOPICS.bridge_state)
        assert topics.index(STATE) < online
        assert min(i for i, topic in enumerate(topics) if "/team_p" in topic) > online
        since = len(mqtt.heard)
        await mqtt.publish(TOPICS.request("signout"), b'{"account":"team"}')
        answer = await mqtt.until(TOPICS.response("signout"), since=since)
        assert answer.json["status"] == "ok"
        kept = await mqtt.until(TOPICS.last_command, since=since)
        assert (kept.json["account"], kept.json["error"]) == ("team", None)
        assert link.connects == 1


@pytest.mark.parametrize("version", list(ProtocolVersion))
async def test_a_large_table_is_reread_in_one_message_and_a_change_names_the_table(
    tmp_path: Path, roomy: Mosquitto, version: ProtocolVersion
) -> None:
    async with (
        subscriber(roomy.port) as mqtt,
        life(tmp_path, roomy, followed=LARGE, version=version) as (publisher, _, _),
    ):
        await mqtt.until(FRESH, lambda h: h.json["state"] == "online")
        await mqtt.until(TOPICS.account("team_p299", "sign_in"))
        since = len(mqtt.heard)
        for slug in LARGE:
            publisher.states.update(later(slug, Availability.AWAY))
        read = await mqtt.until(FRESH, lambda h: "09:01:00" in h.json["polled_at"], since=since)
        assert read.json["state"] == "online"
        publisher.states.update(later("team_p7", Availability.BUSY))
        changed = await mqtt.until(TOPICS.account("team_p7", "state"), since=since)
        assert (changed.json["table"], changed.json["availability"]) == ("team", "busy")
        await said(mqtt, roomy.port, FRESH, since)
        people = {h.topic.split("/")[2] for h in mqtt.heard[since:] if "/account/" in h.topic}
        assert people == {"team_p7"}


async def test_what_a_bridge_left_of_a_large_table_is_fresh_for_the_command_line(
    tmp_path: Path, roomy: Mosquitto
) -> None:
    asked = Config.model_validate(
        {
            "state_dir": tmp_path,
            "mqtt": {"host": "127.0.0.1", "port": roomy.port},
            "accounts": {"team": {"watch": ["p@contoso.com"]}},
        }
    )
    async with subscriber(roomy.port) as mqtt:
        async with life(tmp_path, roomy, followed=LARGE) as (publisher, _, _):
            await mqtt.until(FRESH, lambda h: h.json["state"] == "online")
            publisher.states.update(later("team_p1", Availability.AWAY))
            await mqtt.until(FRESH, lambda h: "09:01:00" in h.json["polled_at"])
            known, fault = await from_broker(asked)
            assert fault is None
            assert known["team_p5"].fresh
            assert known["team_p5"].polled_at == "2026-11-23T09:01:00+00:00"
        await mqtt.publish(FRESH, b'{"state":"offline"}', retain=True)
        known, _ = await from_broker(asked)
        assert not known["team_p5"].fresh


async def test_a_removal_that_is_refused_is_done_when_the_rules_let_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rules = tmp_path / "acl"
    rules.write_text(ACL + "topic readwrite presence/account/#\n", encoding="utf-8")
    lines = f"allow_anonymous true\nacl_file {rules}"
    bob = {"alice": ALICE, "bob": Followed("Bob", discover=False)}
    async with running(tmp_path, extra=lines) as broker:

        async def live(followed: dict[str, Followed]) -> set[str]:
            """One life; the topics of bob that are stored after it."""
            async with (
                subscriber(broker.port, username="everybody") as mqtt,
                life(tmp_path, broker, followed=followed, username="bridge"),
            ):
                await mqtt.until_text(TOPICS.bridge_state, "online")
                await said(mqtt, broker.port, STATE, 0)
                return {t for t, h in mqtt.last.items() if "/bob/" in t and h.payload}

        assert len(await live(bob)) == 7
        rules.write_text(ACL, encoding="utf-8")
        broker.reload()
        assert len(await live({"alice": ALICE})) == 7
        assert "does not let user bridge publish on presence/account/bob" in caplog.text
        rules.write_text(ACL + "topic readwrite presence/account/#\n", encoding="utf-8")
        broker.reload()
        assert await live({"alice": ALICE}) == set()
        stored = json.loads((tmp_path / "state" / "announced.json").read_bytes())
        assert stored["accounts"] == ["alice"]
