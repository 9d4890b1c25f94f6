import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState, Way
from bridge.contract.presence import Activity, Availability, Presence, WorkLocation
from bridge.contract.topics import Topics
from bridge.contract.wire import Message, encode_account_state
from bridge.publishing.account_messages import everything
from bridge.publishing.commands import COMMANDS
from bridge.publishing.discovery.devices import (
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
WAYS = (Way.DEVICE_CODE, Way.BROWSER)
ALICE = Followed("Alice", ways=WAYS)
APP = Followed("App", ways=())
PAGE = "https://presence.example.org"
IDS = ["bridge", "account", "settable", "of a table", "expiring", "app", "linked"]
DEVICES = [
    bridge_device(TOPICS, "1.2.3"),
    account_device(TOPICS, "alice", ALICE, "1.2.3"),
    account_device(TOPICS, "bob", Followed("Bob", settable=True, ways=WAYS), "1.2.3"),
    account_device(
        TOPICS, "team_ann", Followed("Ann", table="team", ways=WAYS), "1.2.3", expires=True
    ),
    account_device(TOPICS, "carl", Followed("Carl", ways=WAYS[::-1]), "1.2.3", expires=True),
    account_device(TOPICS, "app", APP, "1.2.3"),
    account_device(TOPICS, "dora", ALICE, "1.2.3", page=PAGE),
]


def parts(message: Message) -> dict[str, Any]:
    """The components of a device."""
    read: dict[str, Any] = payload(message)["components"]
    return read


def entities(message: Message) -> dict[str, Any]:
    """Those of them that are entities."""
    return {key: c for key, c in parts(message).items() if c["platform"] != "device_automation"}


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
    for component in entities(message).values():
        assert component["default_entity_id"].startswith(f"{component['platform']}.")
        assert component["name"]
        assert component.get("icon", "mdi:x").startswith("mdi:")
        assert "options" not in component or component["options"]
        if component["platform"] in ("sensor", "binary_sensor"):
            assert component.get("entity_category") != "config"


def test_no_unique_id_is_used_twice() -> None:
    ids = [c["unique_id"] for m in DEVICES for c in entities(m).values()]
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
    for key, component in entities(DEVICES[1]).items():
        template, topic = component.get("value_template"), component.get("state_topic")
        if template and topic != TOPICS.account("alice", "today"):
            names = re.findall(r"value_json\.(\w+)", template)
            assert names
            assert set(names) <= published[topic or read["state_topic"]].keys(), key


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
    assert len(state) == 14


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


ACCOUNTS: list[dict[str, Any]] = [
    {},
    {"says": False},
    {"settable": True, "says": False},
    {"table": "team"},
    {"ways": ()},
]


@pytest.mark.parametrize("changes", ACCOUNTS, ids=str)
def test_what_is_remembered_of_an_account_is_what_its_device_has(changes: dict[str, Any]) -> None:
    account = replace(ALICE, **changes)
    device = account_device(TOPICS, "alice", account, "1.2.3")
    assert account_components(TOPICS, account) == components(device)


def test_what_is_remembered_is_one_object_for_all_of_a_kind() -> None:
    assert bridge_components(TOPICS) == components(DEVICES[0])
    ann = Followed("Ann", table="team", ways=WAYS)
    other = replace(ann, name="Bob", table="office")
    assert account_components(TOPICS, ann) is account_components(TOPICS, other)


def test_who_is_read_with_others_shows_the_one_code_of_the_table_and_asks_for_it() -> None:
    read = payload(DEVICES[3])["components"]
    for key in ("signin_state", "signin_code"):
        assert read[key]["state_topic"] == "presence/table/team/auth"
    assert "signout" not in read, "nobody signs all others out by one of them"
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
        states = [c for c in parts(device).values() if c.get("state_topic") != TOPICS.bridge_health]
        assert not any("expire_after" in component for component in states)


def test_the_last_command_is_shown_with_its_error_and_remedy() -> None:
    shown = payload(DEVICES[0])["components"]["last_command"]
    assert shown["state_topic"] == shown["json_attributes_topic"] == "presence/bridge/last_command"


def test_only_what_subscribes_to_nothing_but_the_bridge_itself_asks_for_qos_1() -> None:
    """A broker's queue loses what is stored, at QoS 1; a command at QoS 0 is lost at the worst."""
    for device in DEVICES:
        shared = [entry["topic"] for entry in payload(device)["availability"]]
        for key, component in parts(device).items():
            topics = [entry["topic"] for entry in component.get("availability", ())] or shared
            is_plain = "state_topic" not in component and topics == [TOPICS.bridge_state]
            assert component["qos"] == int(component["platform"] == "button" and is_plain), key


def test_an_app_has_nothing_that_a_person_would_press() -> None:
    keys = parts(DEVICES[5]).keys()
    assert {"availability", "status", "calls_today", "signin_state"} <= keys
    assert not {key for key in keys if key.startswith("signin") and key != "signin_state"}
    assert not {"signed_in_as", "signout", "on_sign_in_needed"} & keys


def test_the_other_way_to_sign_in_has_a_button_of_its_own() -> None:
    code, browser = parts(DEVICES[1]), parts(DEVICES[4])
    pressed = json.loads(code["signin_browser"]["payload_press"])
    assert pressed == {"account": "alice", "way": "browser"}
    pressed = json.loads(browser["signin_device_code"]["payload_press"])
    assert pressed == {"account": "carl", "way": "device_code"}
    assert "signin_device_code" not in code
    assert code["signin_browser"]["command_topic"] == TOPICS.request("signin")
    for key in ("signin", "signin_cancel", "signout"):
        assert code[key]["command_topic"].rpartition("/")[2] in COMMANDS


@pytest.mark.parametrize(("number", "account"), [(1, "alice"), (3, "team")])
def test_who_is_not_expected_can_be_kept_while_that_is_asked(number: int, account: str) -> None:
    keep = parts(DEVICES[number])["signin_keep"]
    assert json.loads(keep["payload_press"]) == {"account": account}
    assert keep["command_topic"].rpartition("/")[2] in COMMANDS
    auth = parts(DEVICES[number])["signin_state"]["state_topic"]
    runs, asked = keep["availability"]
    assert (runs["topic"], asked["topic"]) == (TOPICS.bridge_state, auth)
    assert keep["availability_mode"] == "all"
    assert "newcomer" in asked["value_template"]
    assert "newcomer" in parts(DEVICES[number])["signed_in_as"]["value_template"]


def test_a_device_leads_to_the_page_where_that_is_certain() -> None:
    assert payload(DEVICES[6])["device"]["configuration_url"] == f"{PAGE}/#person-dora"
    assert f"{PAGE}/#person-dora" in parts(DEVICES[6])["signin_page"]["value_template"]
    assert payload(bridge_device(TOPICS, "1", page=PAGE))["device"]["configuration_url"] == PAGE
    for device in DEVICES[:6]:
        assert "configuration_url" not in payload(device)["device"]


def test_nothing_that_changes_at_each_poll_is_an_attribute() -> None:
    for device in DEVICES:
        for key, component in parts(device).items():
            topic = component.get("json_attributes_topic", "")
            template = component.get("json_attributes_template", "")
            if topic.endswith(("/attributes", "/state", "/today", "/health")):
                assert template, key
            for changing in ("sequence_number", "polled_at", "uptime_s", "counted_until"):
                assert changing not in template, key


def test_minutes_are_durations_that_statistics_understand() -> None:
    for key in ("calls_today", "meetings_today"):
        shown = parts(DEVICES[1])[key]
        assert shown["device_class"] == "duration"
        assert shown["state_class"] == "total_increasing"
        assert shown["unit_of_measurement"] == "min"
        assert shown["availability"] == [{"topic": TOPICS.bridge_state}]


def test_triggers_have_what_home_assistant_takes_and_nothing_else() -> None:
    allowed = {"platform", "automation_type", "type", "subtype", "topic", "payload"}
    triggers = {k: c for k, c in parts(DEVICES[1]).items() if c["platform"] == "device_automation"}
    for component in triggers.values():
        assert set(component) == allowed | {"qos", "value_template"}
    assert [(c["type"], c["subtype"]) for c in triggers.values()] == [
        ("presence", "call ended"),
        ("presence", "call started"),
        ("presence", "changed"),
        ("sign-in", "needed"),
    ]
    of_a_table = parts(DEVICES[3])["on_sign_in_needed"]
    assert of_a_table["topic"] == TOPICS.table("team", "sign_in_event")


def test_the_problem_of_the_last_release_keeps_its_unique_id() -> None:
    problem = parts(DEVICES[0])["poll_problem"]
    assert problem["unique_id"] == "presence_bridge_poll_problem"
    assert problem["default_entity_id"] == "binary_sensor.presence_bridge_problem"
    assert problem["name"] == "Problem"


def test_an_account_whose_messages_are_not_shown_has_no_entity_for_them() -> None:
    silent = account_device(TOPICS, "bob", replace(ALICE, says=False), "1.2.3")
    plain, read = (payload(device)["components"] for device in (DEVICES[1], silent))
    assert plain.keys() - read.keys() == {"status_message"}
    assert "_message" in json.dumps(plain["availability"])
    assert "_message" not in json.dumps(read)


def test_who_is_in_a_large_table_is_available_while_the_table_is_too() -> None:
    large = Followed("Ann", table="team", shares=True)
    payload = json.loads(account_device(TOPICS, "team_ann", large, "1.2.3").payload)
    assert payload["availability_mode"] == "all"
    assert payload["availability"][2:] == [
        {
            "topic": "presence/table/team/fresh",
            "value_template": "{{ value_json.state if value_json is defined }}",
        }
    ]
