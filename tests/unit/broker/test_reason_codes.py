import re

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr

from bridge.broker.dispute import SESSION_TAKEN_OVER, SHORT_LIVED
from bridge.broker.reason_codes import REASONS, Kind, explain
from bridge.broker.session import ConnectionFailedError
from bridge.config.tables.shared import MqttSettings
from tests.fakes.rows import rows

SETTINGS = MqttSettings(
    host="broker.example", username="bridge", password=SecretStr("hunter2-hunter2")
)
CLIENT_ID = "presence-bridge"


def failed(code: int | None = None) -> ConnectionFailedError:
    return ConnectionFailedError("so it is", code=code)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (134, "does not accept the user name or password"),
        (135, "does not let this user in"),
    ],
)
def test_a_refusal_is_for_a_person_and_says_where_to_look(code: int, what: str) -> None:
    fault = explain(failed(code), SETTINGS, CLIENT_ID)
    assert fault.text.startswith(f"broker broker.example:1883 {what} (bridge): check ")
    assert "username and password_file in [mqtt]" in fault.text
    assert fault.kind is Kind.REFUSED
    assert "hunter2" not in fault.text


def test_without_a_user_name_the_refused_one_is_anonymous() -> None:
    fault = explain(failed(135), MqttSettings(host="broker.example"), CLIENT_ID)
    assert "(anonymous)" in fault.text


def test_a_second_program_with_the_same_client_id_is_named() -> None:
    fault = explain(failed(142), SETTINGS, CLIENT_ID)
    assert "another program uses the client id 'presence-bridge'" in fault.text
    assert fault.kind is Kind.THROWN_OUT


def test_without_a_reason_many_short_connections_say_so() -> None:
    assert explain(failed(), SETTINGS, CLIENT_ID, short_lived=SHORT_LIVED - 1).kind is Kind.PASSES
    fault = explain(failed(), SETTINGS, CLIENT_ID, short_lived=SHORT_LIVED)
    assert "probably another program uses the client id 'presence-bridge'" in fault.text
    assert fault.kind is Kind.THROWN_OUT


def test_of_a_client_id_it_says_which_and_where_to_choose_another() -> None:
    fault = explain(failed(133), SETTINGS, CLIENT_ID)
    assert "does not accept the client id ('presence-bridge'): choose how it" in fault.text
    assert "client_id in [mqtt]" in fault.text
    assert fault.kind is Kind.REFUSED


def spoken() -> dict[int, str]:
    """The reason codes of CONNACK and DISCONNECT that an honest broker may send (MQTT 5, 2.4)."""
    names = ReasonCode(PacketTypes.DISCONNECT).names
    kinds = {PacketTypes.CONNACK, PacketTypes.DISCONNECT}
    return {
        code: name
        for code, by_name in names.items()
        for name, packets in by_name.items()
        if code >= 0x80 and kinds & set(packets)
    }


@rows("code", spoken())
def test_every_code_becomes_a_sentence_that_says_who_must_act(code: int) -> None:
    fault = explain(failed(code), SETTINGS, CLIENT_ID)
    assert "broker.example:1883" in fault.text or "another program" in fault.text
    assert re.search(
        r"who runs|set protocol|client_id|check username|please report|own log|nothing has to be"
        r"|its rules|network in between|stop one",
        fault.text,
    )
    assert "so it is" not in fault.text, "the bare words of the standard are no help"


def test_all_codes_that_end_a_connection_are_known() -> None:
    assert set(spoken()) <= {*REASONS, SESSION_TAKEN_OVER}


@pytest.mark.parametrize("code", [0x9C, 0x9D])
def test_another_server_is_named_and_not_followed(code: int) -> None:
    error = ConnectionFailedError("so it is", code=code, server="new.example:8883", said="bye")
    fault = explain(error, SETTINGS, CLIENT_ID)
    assert "another server (new.example:8883; it says: bye)" in fault.text
    assert "set host in [mqtt]" in fault.text
    assert fault.kind is Kind.REFUSED


def test_a_reason_that_repeats_is_no_fight_and_is_retried_slowly() -> None:
    fault = explain(failed(0x80), SETTINGS, CLIENT_ID, short_lived=SHORT_LIVED)
    assert fault.kind is Kind.SLOWLY
    assert "another program" not in fault.text


def test_all_else_passes_by_itself_and_is_reported_with_its_cause() -> None:
    fault = explain(failed(), SETTINGS, CLIENT_ID)
    assert fault.text == "broker broker.example:1883 cannot be reached: so it is"
    assert fault.kind is Kind.PASSES


def test_a_socket_is_named_by_its_path() -> None:
    fault = explain(failed(), MqttSettings(host="unix:/run/broker.sock"), CLIENT_ID)
    assert fault.text == "broker /run/broker.sock cannot be reached: so it is"
