import pytest
from pydantic import SecretStr

from bridge.broker.errors import SHORT_LIVED, Kind, explain
from bridge.broker.session import ConnectionFailedError
from bridge.config import MqttSettings

SETTINGS = MqttSettings(
    host="broker.example", username="bridge", password=SecretStr("hunter2-hunter2")
)
CLIENT_ID = "presence-bridge"


def failed(code: int | None = None) -> ConnectionFailedError:
    return ConnectionFailedError("so it is", code=code)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (133, "does not accept the client id"),
        (134, "does not accept the user name or password"),
        (135, "does not let this user in"),
        (138, "has banned this client"),
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


def test_a_broker_that_speaks_no_mqtt_5_is_known() -> None:
    assert explain(failed(132), SETTINGS, CLIENT_ID).kind is Kind.OLD_BROKER


@pytest.mark.parametrize("code", [None, 136])
def test_all_else_passes_by_itself_and_is_told_with_its_cause(code: int | None) -> None:
    fault = explain(failed(code), SETTINGS, CLIENT_ID)
    assert fault.text == "broker broker.example:1883 cannot be reached: so it is"
    assert fault.kind is Kind.PASSES


def test_a_socket_is_named_by_its_path() -> None:
    fault = explain(failed(), MqttSettings(host="unix:/run/broker.sock"), CLIENT_ID)
    assert fault.text == "broker /run/broker.sock cannot be reached: so it is"
