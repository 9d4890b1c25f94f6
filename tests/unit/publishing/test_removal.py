import json
from pathlib import Path

import pytest

from bridge.broker import Received
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_json
from bridge.publishing.discovery import account_device, bridge_device
from bridge.publishing.ledger import Announced, Ledger, components, farewells
from bridge.publishing.sweep import leftover

TOPICS = Topics()
BRIDGE, ALICE = bridge_device(TOPICS, "1"), account_device(TOPICS, "alice", "Alice", "1")
BOTH = {message.topic: message for message in (BRIDGE, ALICE)}


def test_the_ledger_remembers_over_restarts(tmp_path: Path) -> None:
    Ledger(tmp_path / "x" / "announced.json").write(BOTH)
    read = Ledger(tmp_path / "x" / "announced.json").read()
    assert read.topics[ALICE.topic] == components(ALICE)
    assert farewells(read, BOTH) == []


def test_a_broken_ledger_is_told_and_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "announced.json").write_text("{ half", encoding="utf-8")
    assert Ledger(tmp_path / "announced.json").read() == Announced()
    assert "by hand" in caplog.text


def test_a_vanished_device_is_emptied() -> None:
    announced = Announced(topics={m.topic: components(m) for m in BOTH.values()})
    assert farewells(announced, {BRIDGE.topic: BRIDGE}) == [Message(ALICE.topic, b"")]


def test_a_vanished_component_is_sent_once_as_a_bare_platform() -> None:
    announced = Announced(topics={ALICE.topic: components(ALICE) | {"mood": "sensor"}})
    (message,) = farewells(announced, {ALICE.topic: ALICE})
    assert json.loads(message.payload)["components"]["mood"] == {"platform": "sensor"}


def test_a_leftover_of_ours_is_swept_with_all_that_was_stored_about_it() -> None:
    bob = account_device(TOPICS, "bob", "Bob", "0")
    messages = leftover(Received(bob.topic, bob.payload, retain=True), TOPICS, {"alice"})
    assert {message.payload for message in messages} == {b""}
    assert "presence/account/bob/state" in {message.topic for message in messages}


def foreign() -> list[bytes]:
    payload = json.loads(account_device(TOPICS, "bob", "Bob", "0").payload)
    other_origin = {**payload, "origin": {"name": "zigbee2mqtt"}}
    other_instance = {**payload, "device": {"identifiers": ["other_account_bob"]}}
    return [
        encode_json(other_origin),
        encode_json(other_instance),
        encode_json({**payload, "device": None}),
        b"",
        b"not json",
        b"[]",
    ]


@pytest.mark.parametrize("payload", foreign())
def test_what_is_not_ours_is_never_touched(payload: bytes) -> None:
    topic = "homeassistant/device/something/config"
    assert leftover(Received(topic, payload, retain=True), TOPICS, {"alice"}) == []


def test_what_is_current_is_never_touched() -> None:
    assert leftover(Received(ALICE.topic, ALICE.payload, retain=True), TOPICS, {"alice"}) == []


def test_everything_that_is_ever_stored_about_an_account_is_swept() -> None:
    bob = account_device(TOPICS, "bob", "Bob", "1")
    swept = leftover(Received(bob.topic, bob.payload, retain=True), TOPICS, {"alice"})
    stored = ("state", "attributes", "availability", "auth", "preferred")
    assert {m.topic for m in swept} == {
        bob.topic,
        *(TOPICS.account("bob", leaf) for leaf in stored),
    }
