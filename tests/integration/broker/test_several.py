"""Where several brokers are listed: visits, and the name that each must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.broker import visit
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import PersonMustActError, TryAgainError
from bridge.demo.certificate import ServerCertificate, make_certificate
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, free_port, running
from tests.integration.broker.conftest import Link

TLS = """allow_anonymous true
listener {port} 127.0.0.1
certfile {shown.cert_file}
keyfile {shown.key_file}
"""


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


def showing(shown: ServerCertificate) -> tuple[int, str]:
    """A port with TLS, and the lines of a broker that shows that certificate there."""
    port = free_port()
    return port, TLS.format(port=port, shown=shown)


async def test_each_of_them_must_show_its_own_name(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["a.example", "b.example"]
    shown = [make_certificate(tmp_path / name, [name]) for name in names]
    (one, first_lines), (two, second_lines) = (showing(each) for each in shown)
    trusted = tmp_path / "both.pem"
    trusted.write_bytes(b"".join(each.ca_file.read_bytes() for each in shown))

    def named(*wanted: str) -> MqttSettings:
        hosts = [
            {"host": "127.0.0.1", "port": port, "server_name": name}
            for port, name in zip((one, two), wanted, strict=True)
        ]
        return MqttSettings.model_validate({"hosts": hosts, "tls": True, "ca_file": trusted})

    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    async with (
        running(tmp_path / "first", extra=first_lines) as first,
        running(tmp_path / "second", extra=second_lines),
    ):
        async with Link(named(*names), clock) as link:
            await link.until_connected()
            assert link.broker.address == f"127.0.0.1:{one}"
            first.stop()
            await link.until_lost()
            await link.try_again()
            await link.until_connected(2)
            assert link.broker.address == f"127.0.0.1:{two}"
        await first.start()
        caplog.clear()
        async with Link(named("b.example", "b.example"), clock) as link:
            await link.until_connected()
            assert link.broker.address == f"127.0.0.1:{two}", "the first shows another name"
        assert "Hostname mismatch" in caplog.text
