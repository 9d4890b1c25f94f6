"""What the doctor makes of what the service on this machine tells of itself and of its broker."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bridge.broker.session import Limits
from bridge.commands.remote_by_socket import on_this_machine
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.latest import Latest
from bridge.doctor.findings import Finding
from bridge.doctor.service import ask_on_this_machine, its_broker
from tests.fakes.mosquitto import free_port, running
from tests.integration.test_local_api import Bridge, served

DENIED = (
    "the broker does not let user bridge publish on presence/account/alice/state (Not "
    "authorized): check its access rules"
)


class Known(Bridge):
    """A service with a broker."""

    def __init__(self, health: bytes = b'{"healthy":true}', **broker: Any) -> None:
        super().__init__(sign_in=Latest(SignIn(SignInState.SIGNED_IN)))
        self._health = health
        self._broker: dict[str, Any] = {
            "connected": True,
            "limits": None,
            "mqtt_version": "5.0",
            "problems": [],
        }
        self._broker |= broker

    async def request(self, command: str, payload: bytes) -> bytes:
        return b'{"status":"ok","data":%b}' % self._health

    def at_the_broker(self) -> dict[str, Any]:
        return self._broker


async def examined(folder: Path, service: Known, *, port: int = 0) -> list[Finding]:
    mqtt = {"host": "127.0.0.1", "port": port or free_port(), "username": "bridge"}
    values = {"state_dir": folder, "mqtt": mqtt, "accounts": {"alice": {}, "bob": {}}}
    config = Config.model_validate(values, context={"folder": folder})
    async with served(folder, service), on_this_machine(config) as here:
        assert here is not None
        findings: list[Finding] = []
        await its_broker(config, here, findings.append)
        await ask_on_this_machine(config, here, findings.append)
        return findings


async def test_limits_and_missing_lines_are_named_and_nobody_connects(tmp_path: Path) -> None:
    service = Known(
        limits=asdict(Limits(maximum_packet_size=4000, receive_maximum=5)),
        problems=[DENIED],
        health=b'{"healthy":false,"reason":"broker: the broker does not let"}',
    )
    fine, size, window, denied, alice, bob = await examined(tmp_path, service)
    assert fine.good
    assert fine.text.endswith("lets bridge in; the service speaks MQTT 5.0")
    assert "Maximum Packet Size 4000" in size.text
    assert "Receive Maximum 5" in window.text
    assert (denied.good, denied.text) == (False, f"broker: {DENIED}")
    assert "topic readwrite presence/account/#" in denied.remedy
    assert alice.text == "alice: the running service is signed in"
    assert (bob.text, bob.remedy) == (
        "bob: the running service does not follow it",
        "presence-bridge reload",
    )


async def test_a_service_that_is_unwell_says_why(tmp_path: Path) -> None:
    service = Known(health=b'{"healthy":false,"reason":"alice: Microsoft Graph fails (HTTP 500)"}')
    findings = await examined(tmp_path, service)
    told = "the running service: alice: Microsoft Graph fails (HTTP 500)"
    assert next(finding.text for finding in findings if not finding.good) == told


@pytest.mark.parametrize("problems", [[], ["broker 127.0.0.1:1 cannot be reached: no answer"]])
async def test_a_service_without_a_broker_is_reported_with_the_cure(
    tmp_path: Path, problems: list[str]
) -> None:
    """It is in nobody's way to try."""
    first, *_ = await examined(tmp_path, Known(connected=False, problems=problems))
    assert "cannot be reached: Connection refused" in first.text
    assert first.remedy.startswith("Start the broker")


async def test_another_bridge_in_its_place_is_named(tmp_path: Path) -> None:
    other = "another program uses the client id 'presence-bridge': stop one of the two"
    async with running(tmp_path) as mosquitto:
        service = Known(connected=False, problems=[other])
        named, alice, *_ = await examined(tmp_path, service, port=mosquitto.port)
    assert (named.good, named.text) == (False, f"broker: the running service: {other}")
    assert alice.good


async def test_a_lamp_with_a_wrong_clock_is_named(tmp_path: Path) -> None:
    service = Known(clocks_apart_s={"desk": -360, "door": 14_400})
    _, desk, door, *_ = await examined(tmp_path, service)
    assert desk.text == "lamp desk: its clock is 6 min ahead of the bridge's"
    assert door.text == "lamp door: its clock is 4 h behind the bridge's"
    assert "timedatectl" in door.remedy
