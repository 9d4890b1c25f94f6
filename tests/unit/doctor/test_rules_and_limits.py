"""Which announced limits are worth a line, and which line of rules a refusal is about."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from bridge.broker.session import Limits
from bridge.config.tables.config import Config
from bridge.contract.topics import Topics
from bridge.doctor.broker import limits
from bridge.doctor.broker_rules import _read_only
from bridge.doctor.remedies import rules_remedy


@pytest.mark.parametrize(
    "announced",
    [{}, asdict(Limits()), {"receive_maximum": 20}, {"maximum_packet_size": 268435455}],
)
def test_what_binds_nobody_is_not_reported(announced: dict[str, Any]) -> None:
    assert list(limits(announced)) == []


@pytest.mark.parametrize(
    ("announced", "good", "told"),
    [
        ({"retain_available": False}, False, "Retain Available 0"),
        ({"maximum_qos": 0}, True, "Maximum QoS 0"),
        ({"maximum_packet_size": 16383}, False, "Maximum Packet Size 16383"),
        ({"maximum_packet_size": 16384}, True, "Maximum Packet Size 16384"),
        ({"receive_maximum": 1}, True, "Receive Maximum 1:"),
        ({"keep_alive_s": 10}, True, "Server Keep Alive 10 s"),
    ],
)
def test_what_binds_us_is_reported_and_a_fault_has_a_cure(
    announced: dict[str, Any], told: str, *, good: bool
) -> None:
    (finding,) = limits(announced)
    assert (finding.good, told in finding.text) == (good, True)
    assert good or finding.remedy


@pytest.mark.parametrize(
    ("topic", "line"),
    [
        ("home/pb/account/alice/state", "topic readwrite home/pb/account/#"),
        ("home/pb/bridge/request/+", "topic readwrite home/pb/bridge/#"),
        ("ha/device/home_pb_bridge/config", "topic readwrite ha/device/+/config"),
        ("home/pb/driver/+/state", "topic read home/pb/driver/#"),
    ],
)
def test_a_refusal_names_the_line_that_is_missing(topic: str, line: str) -> None:
    problem = f"the broker does not let user b use {topic} (Not authorized): check its access rules"
    assert f" {line}. Where init" in rules_remedy(problem, Topics("home/pb", "ha"))


def test_a_fault_of_another_kind_is_about_no_line() -> None:
    assert rules_remedy("broker x:1 cannot be reached: no answer", Topics()) == ""


def test_the_birth_topic_that_was_chosen_is_among_what_the_bridge_reads() -> None:
    config = Config.model_validate(
        {"state_dir": "state", "homeassistant": {"birth_topic": "ha/born"}}
    )
    assert "ha/born" in list(_read_only(config.topics))
