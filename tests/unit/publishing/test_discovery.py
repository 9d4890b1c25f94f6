import json
from typing import Any

import pytest

from bridge.contract.account import AccountFacts, SignIn, SignInState
from bridge.contract.presence import Activity, Availability
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_account_state
from bridge.publishing.account import everything
from bridge.publishing.commands import COMMANDS
from bridge.publishing.discovery import account_device, bridge_device
from tests.fakes.clock import ManualClock

TOPICS = Topics()
ALLOWED_ROOT = {
    "device",
    "origin",
    "components",
    "availability",
    "availability_mode",
    "state_topic",
}
DEVICES = [
    bridge_device(TOPICS, "1.2.3"),
    account_device(TOPICS, "alice", "Alice", "1.2.3"),
    account_device(TOPICS, "bob", "Bob", "1.2.3", settable=True),
]


def payload(message: Message) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(message.payload)
    return read


@pytest.mark.parametrize("message", DEVICES, ids=["bridge", "account", "settable"])
def test_the_closed_parts_hold_nothing_that_home_assistant_rejects(message: Message) -> None:
    read = payload(message)
    assert set(read) <= ALLOWED_ROOT
    assert None not in read["device"].values()
    assert None not in read["origin"].values()
    assert read["origin"]["name"]
    assert message.retain


@pytest.mark.parametrize("message", DEVICES, ids=["bridge", "account", "settable"])
def test_every_component_is_complete(message: Message) -> None:
    for key, component in payload(message)["components"].items():
        assert component["qos"] == 1, key
        assert component["default_entity_id"].startswith(f"{component['platform']}.")
        assert component["name"]
        assert component.get("icon", "mdi:x").startswith("mdi:")
        assert "options" not in component or component["options"]
        if component["platform"] in ("sensor", "binary_sensor"):
            assert component.get("entity_category") != "config"


def test_no_unique_id_is_used_twice() -> None:
    ids = [c["unique_id"] for m in DEVICES for c in payload(m)["components"].values()]
    assert len(ids) == len(set(ids))


def test_enum_options_cover_every_word_that_is_published() -> None:
    components = payload(DEVICES[1])["components"]
    assert set(components["availability"]["options"]) == {item.value for item in Availability}
    assert set(components["activity"]["options"]) == {item.value for item in Activity}
    assert set(components["signin_state"]["options"]) == {item.value for item in SignInState}


def test_every_template_reads_a_key_that_is_published() -> None:
    facts = AccountFacts("alice", "Alice")
    published = {
        message.topic: json.loads(message.payload)
        for message in everything(TOPICS, facts, ManualClock().now())
        if message.payload.startswith(b"{")
    }
    read = payload(DEVICES[1])
    for key, component in read["components"].items():
        template = component.get("value_template")
        if template:
            name = template.split("value_json.")[1].split()[0]
            assert name in published[component.get("state_topic", read["state_topic"])], key


def test_equal_content_is_equal_bytes() -> None:
    assert account_device(TOPICS, "alice", "Alice", "1.2.3") == DEVICES[1]


def test_an_account_is_available_only_with_its_bridge() -> None:
    read = payload(DEVICES[1])
    assert read["availability_mode"] == "all"
    assert [entry["topic"] for entry in read["availability"]] == [
        "presence/bridge/state",
        "presence/account/alice/availability",
    ]
    assert read["components"]["signin"]["availability"] == [{"topic": "presence/bridge/state"}]


def test_all_keys_are_there_before_anything_is_known() -> None:
    state = json.loads(encode_account_state(AccountFacts("a", "A", sign_in=SignIn())))
    assert set(state.values()) == {None}
    assert len(state) == 11


def test_only_who_can_be_set_has_something_to_set() -> None:
    plain, settable = (payload(device)["components"] for device in DEVICES[1:])
    assert settable.keys() - plain.keys() == {
        "preferred_presence",
        "set_status_message",
        "clear_presence",
    }
    assert settable["preferred_presence"]["options"] == [
        "automatic",
        "available",
        "busy",
        "do_not_disturb",
        "be_right_back",
        "away",
        "offline",
    ]


def test_what_home_assistant_would_send_is_a_request_that_is_understood() -> None:
    components = payload(DEVICES[2])["components"]
    select = components["preferred_presence"]["command_template"].replace("{{ value }}", "busy")
    assert json.loads(select) == {"account": "bob", "presence": "busy"}
    text = components["set_status_message"]["command_template"]
    filled = text.replace("{{ value | to_json }}", json.dumps('back at "3"'))
    assert json.loads(filled) == {"account": "bob", "message": 'back at "3"'}
    button = components["clear_presence"]
    assert json.loads(button["payload_press"]) == {"account": "bob"}
    topics = {
        components[key]["command_topic"].rpartition("/")[2]
        for key in ("preferred_presence", "set_status_message", "clear_presence")
    }
    assert topics <= set(COMMANDS)
