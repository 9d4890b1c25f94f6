"""What is recognised as ours on the broker, and what never is."""

import json

from bridge.broker import Received
from bridge.contract.account import Followed
from bridge.contract.topics import Topics
from bridge.contract.wire import encode_json
from bridge.publishing.discovery.devices import account_device, bridge_device
from bridge.publishing.removal.gone_accounts import announced_account, stored_account
from tests.fakes.rows import rows

TOPICS = Topics()
BOB = account_device(TOPICS, "bob", Followed("Bob"), "0")


def foreign() -> list[bytes]:
    payload = json.loads(BOB.payload)
    return [
        encode_json({**payload, "origin": {"name": "zigbee2mqtt"}}),
        encode_json({**payload, "device": {"identifiers": ["other_account_bob"]}}),
        encode_json({**payload, "device": {"identifiers": ["presence_account_+"]}}),
        encode_json({**payload, "device": {"identifiers": ["presence_account_a/b"]}}),
        encode_json({**payload, "device": {"identifiers": ["presence_account_"]}}),
        encode_json({**payload, "device": None}),
        bridge_device(TOPICS, "1").payload,
        b"",
        b"not json",
        b"[]",
    ]


@rows("payload", foreign())
def test_what_is_not_ours_is_never_recognised(payload: bytes) -> None:
    received = Received("homeassistant/device/something/config", payload, retain=True)
    assert announced_account(received, TOPICS) is None


def test_what_an_earlier_life_announced_is_ours() -> None:
    assert announced_account(Received(BOB.topic, BOB.payload, retain=True), TOPICS) == "bob"


def test_a_topic_that_we_never_used_is_nobodys() -> None:
    foreign = "presence/account/Ünï/availability"
    assert stored_account(Received(foreign, b"online", retain=True)) is None
    bob = "presence/account/bob/availability"
    assert stored_account(Received(bob, b"", retain=True)) is None
    assert stored_account(Received(bob, b"online", retain=True)) == "bob"
