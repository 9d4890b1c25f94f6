"""Visits where several brokers are listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.broker import visit
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PersonMustActError, TryAgainError
from tests.fakes.mosquitto import Mosquitto, free_port, running


async def test_a_visit_goes_to_the_first_that_lets_us_in(
    tmp_path: Path, mosquitto: Mosquitto
) -> None:
    (tmp_path / "closed").mkdir()
    closed = free_port()
    async with running(tmp_path / "closed", extra="allow_anonymous false") as refusing:
        ports = [closed, refusing.port, mosquitto.port]
        hosts = [f"127.0.0.1:{port}" for port in ports]
        assert await visit(MqttSettings.model_validate({"hosts": hosts})) == []
        assert "as presence-visit" in mosquitto.log
        with pytest.raises(PersonMustActError) as caught:
            await visit(MqttSettings.model_validate({"hosts": hosts[:2]}))
    for port in ports[:2]:
        assert f"broker 127.0.0.1:{port} " in str(caught.value)
    with pytest.raises(TryAgainError):
        await visit(MqttSettings.model_validate({"hosts": [f"127.0.0.1:{closed}"] * 2}))
