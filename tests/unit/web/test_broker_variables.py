"""A broker that the environment names is not replaced by what is typed: it would not count."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from bridge.config.tables.shared import MqttSettings
from bridge.service.broker_mistakes import outranked

COMPOSED = {
    "PRESENCE_MQTT__HOST": "mosquitto",
    "PRESENCE_MQTT__PORT": "",
    "PRESENCE_MQTT__USERNAME": "bridge",
    "PRESENCE_MQTT__PASSWORD_FILE": "/run/secrets/mqtt_bridge",
}
NAMED = MqttSettings(host="mosquitto", username="bridge")


@pytest.mark.parametrize(
    ("typed", "field", "variable"),
    [
        (MqttSettings(host="nas.lan", username="bridge"), "host", "PRESENCE_MQTT__HOST"),
        (MqttSettings(host="mosquitto", username="me"), "username", "PRESENCE_MQTT__USERNAME"),
        (
            MqttSettings(host="mosquitto", username="bridge", password=SecretStr("s3cret")),
            "password",
            "PRESENCE_MQTT__PASSWORD_FILE",
        ),
    ],
)
def test_what_would_not_count_is_refused_with_where_to_change_it(
    typed: MqttSettings, field: str, variable: str
) -> None:
    mistake = outranked(typed, NAMED, COMPOSED)
    assert mistake
    assert mistake.field == field
    assert mistake.text.startswith(variable)
    assert "docker compose" in mistake.remedy
    assert "s3cret" not in str(mistake)


def test_what_the_environment_leaves_open_may_be_typed() -> None:
    other_port = MqttSettings(host="mosquitto", port=1884, username="bridge")
    assert outranked(other_port, NAMED, COMPOSED) is None
    assert outranked(MqttSettings(host="nas.lan"), MqttSettings(), {}) is None


def test_several_brokers_of_the_environment_outrank_one_that_is_typed() -> None:
    named = MqttSettings.model_validate({"hosts": ["a.lan", "b.lan"]})
    mistake = outranked(MqttSettings(host="c.lan"), named, {"PRESENCE_MQTT__HOSTS": '["a.lan"]'})
    assert mistake
    assert mistake.field == "host"
