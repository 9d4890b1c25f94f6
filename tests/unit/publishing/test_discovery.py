import json
from typing import Any

import pytest

from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState
from bridge.contract.presence import Activity, Availability, Presence, WorkLocation
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_account_state
from bridge.publishing.account_messages import everything
from bridge.publishing.commands import COMMANDS
from bridge.publishing.discovery.payloads import (
    account_components,
    account_device,
    bridge_components,
    bridge_device,
)
from bridge.publishing.removal.retained_topics import components
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
ALICE = Followed("Alice")
IDS = ["bridge", "account", "settable", "of a table", "expiring"]
DEVICES = [
    bridge_device(TOPICS, "1.2.3"),
    account_device(TOPICS, "alice", ALICE, "1.2.3"),
    account_device(TOPICS, "bob", Followed("Bob", settable=True), "1.2.3"),
    account_device(TOPICS, "team_ann", Followed("Ann", table="team"), "1.2.3", expires=True),
    account_device(TOPICS, "carl", Followed("Carl"), "1.2.3", expires=True),
]


def payload(message: Message) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(message.payload)
    return read


@pytest.mark.parametrize("message", DEVICES, ids=IDS)
def test_the_closed_parts_hold_nothing_that_home_assistant_rejects(message: Message) -> None:
    read = payload(message)
    assert set(read) <= ALLOWED_ROOT
    assert None not in read["device"].values()
    assert None not in read["origin"].values()
    assert read["origin"]["name"]
    assert message.retain


@pytest.mark.parametrize("message", DEVICES, ids=IDS)
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
    assert set(components["work_location"]["options"]) == {item.value for item in WorkLocation}
    assert set(components["signin_state"]["options"]) == {item.value for item in SignInState}


def test_every_template_reads_a_key_that_is_published() -> None:
    facts = AccountFacts("alice", "Alice", presence=Presence())
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
    assert account_device(TOPICS, "alice", ALICE, "1.2.3") == DEVICES[1]


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
    assert len(state) == 13


def test_only_who_can_be_set_has_something_to_set() -> None:
    plain, settable = (payload(device)["components"] for device in DEVICES[1:3])
    assert settable.keys() - plain.keys() == {
        "preferred_presence",
        "set_status_message",
        "set_work_location",
        "clear_presence",
    }
    assert settable["set_work_location"]["options"] == ["automatic", "office", "remote", "time_off"]
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
    location = components["set_work_location"]["command_template"]
    filled = location.replace("{{ value }}", "time_off")
    assert json.loads(filled) == {"account": "bob", "location": "time_off"}
    button = components["clear_presence"]
    assert json.loads(button["payload_press"]) == {"account": "bob"}
    topics = {
        components[key]["command_topic"].rpartition("/")[2]
        for key in components
        if key in ("preferred_presence", "clear_presence") or key.startswith("set_")
    }
    assert topics <= set(COMMANDS)


def test_what_is_remembered_of_a_device_is_what_it_holds() -> None:
    assert bridge_components(TOPICS) == components(DEVICES[0])
    assert account_components(TOPICS, settable=False) == components(DEVICES[1])
    assert account_components(TOPICS, settable=True) == components(DEVICES[2])


def test_who_is_read_with_others_shows_the_one_code_of_the_table_and_asks_for_it() -> None:
    read = payload(DEVICES[3])["components"]
    for key in ("signin_state", "signin_code"):
        assert read[key]["state_topic"] == "presence/table/team/auth"
    for key in ("signin", "signin_cancel"):
        assert json.loads(read[key]["payload_press"]) == {"account": "team"}
        assert read[key]["command_topic"].rpartition("/")[2] in COMMANDS


def test_where_the_broker_forgets_nothing_single_accounts_expire_in_home_assistant() -> None:
    expiring = {key for key, c in payload(DEVICES[4])["components"].items() if "expire_after" in c}
    assert expiring == {
        "availability",
        "activity",
        "busy",
        "in_call",
        "in_meeting",
        "out_of_office",
        "status_message",
        "work_location",
        "last_changed",
    }
    assert payload(DEVICES[4])["components"]["busy"]["expire_after"] == 600
    for device in DEVICES[:4]:
        states = [c for k, c in payload(device)["components"].items() if k != "poll_problem"]
        assert not any("expire_after" in component for component in states)


def test_the_last_command_is_shown_with_its_error_and_remedy() -> None:
    shown = payload(DEVICES[0])["components"]["last_command"]
    assert shown["state_topic"] == shown["json_attributes_topic"] == "presence/bridge/last_command"
