import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import SecretStr

from bridge.broker.complaint import REFUSED_S, TAKEN_OVER_S, complaint, reason_code
from bridge.config import MqttSettings

SETTINGS = MqttSettings(
    host="broker.example", username="bridge", password=SecretStr("hunter2-hunter2")
)
CLIENT_ID = "presence-bridge"


def refused(code: int, packet: int = PacketTypes.CONNACK) -> aiomqtt.MqttCodeError:
    return aiomqtt.MqttCodeError(ReasonCode(packet, identifier=code))


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
    told = complaint(refused(code), SETTINGS, CLIENT_ID)
    assert told.text.startswith(f"broker broker.example:1883 {what} (bridge): check ")
    assert "username and password_file in [mqtt]" in told.text
    assert told.wait_s == REFUSED_S
    assert "hunter2" not in told.text


def test_without_a_user_name_the_refused_one_is_anonymous() -> None:
    told = complaint(refused(135), MqttSettings(host="broker.example"), CLIENT_ID)
    assert "(anonymous)" in told.text


def test_a_second_process_with_the_same_client_id_is_named() -> None:
    told = complaint(refused(142, PacketTypes.DISCONNECT), SETTINGS, CLIENT_ID)
    assert "another process uses the client id 'presence-bridge'" in told.text
    assert told.wait_s == TAKEN_OVER_S


@pytest.mark.parametrize(
    "error",
    [
        aiomqtt.MqttError("Operation timed out"),
        aiomqtt.MqttCodeError(7),
        ConnectionRefusedError(111, "Connection refused"),
        refused(136),
    ],
)
def test_all_else_passes_by_itself_and_is_told_with_its_cause(error: Exception) -> None:
    told = complaint(error, SETTINGS, CLIENT_ID)
    assert told.text == f"broker broker.example:1883 cannot be reached: {error}"
    assert told.wait_s is None


def test_a_socket_is_named_by_its_path() -> None:
    told = complaint(OSError("gone"), MqttSettings(host="unix:/run/broker.sock"), CLIENT_ID)
    assert told.text == "broker /run/broker.sock cannot be reached: gone"


@pytest.mark.parametrize(
    ("error", "code"),
    [(refused(132), 132), (aiomqtt.MqttCodeError(4), None), (OSError(), None)],
)
def test_only_a_reason_of_the_broker_is_a_reason_code(error: Exception, code: int | None) -> None:
    assert reason_code(error) == code
