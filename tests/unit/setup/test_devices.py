"""The topics that ``init`` lets a lamp share with its device are those that the driver uses."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from paho.mqtt.client import topic_matches_sub

from bridge.contract.light import OFF, LightState
from bridge.setup.lamps import DeviceTopics, device_topics
from drivers.mqtt_light.dialects import dialect_of
from drivers.mqtt_light.options import MqttOptions
from tests.fakes.rows import rows

TABLES: list[Mapping[str, str]] = [
    {"device": "zigbee2mqtt", "topic": "zigbee2mqtt/Living Room"},
    {"device": "zigbee2mqtt", "topic": "home/z2m/lamp", "availability_topic": "lamp/there"},
    {"device": "zigbee2mqtt", "topic": "home/zigbee/kitchen/desk/"},
    {"device": "tasmota", "topic": "lamp"},
    {"device": "tasmota", "topic": "tasmota/lamp/%prefix%/"},
    {"device": "tasmota", "topic": "home/%prefix%/lamp", "availability_topic": "lamp/there"},
    {"device": "esphome", "topic": "node/light/desk"},
    {"device": "esphome", "topic": "node/light/desk", "state_topic": "node/told"},
    {"device": "esphome", "topic": "home/light/node/light/desk"},
    {"device": "wled", "topic": "wled/desk"},
    {"device": "json", "topic": "lamp/set"},
    {"device": "json", "topic": "lamp/set", "state_topic": "lamp", "availability_topic": "there"},
    {"device": "template", "topic": "sign/{hex}/set", "payload": "{state}"},
]


@rows("table", TABLES)
def test_a_lamp_may_use_each_topic_of_its_device(table: Mapping[str, str]) -> None:
    dialect = dialect_of(MqttOptions.model_validate(dict(table)))
    allowed = device_topics({"kind": "mqtt", "follow": ["alice"], **table})
    shown = [dialect.show(OFF), dialect.show(LightState(on=True, color=(1, 2, 3), brightness=1))]
    sent = [*shown, *([dialect.ask] if dialect.ask else [])]
    for message in sent:
        assert any(topic_matches_sub(allows, message.topic) for allows in allowed.write), (
            message.topic
        )
    for topic in (*dialect.state_topics, *dialect.availability_topics):
        assert any(topic_matches_sub(allows, topic) for allows in allowed.read), topic


@pytest.mark.parametrize(
    "table",
    [
        {"kind": "hue", "topic": "x", "device": "wled"},
        {"kind": "mqtt", "device": "wled"},
        {"kind": "mqtt", "device": "wled", "topic": 7},
        {"kind": "mqtt", "device": "wled", "topic": "x\nuser bridge"},
    ],
)
def test_what_is_no_device_gets_no_topics(table: Mapping[str, object]) -> None:
    assert device_topics(table) == DeviceTopics()
