"""What is typed into the set-up, tried on a real broker and the simulated Microsoft."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from bridge.config.loader import check
from bridge.config.tables.config import Config
from bridge.config.tables.shared import MqttSettings
from bridge.contract.errors import TryAgainError
from bridge.contract.registration import Registration
from bridge.demo.certificate import ServerCertificate, make_certificate
from bridge.service.trials import Probe
from bridge.web.refused import MistakeError
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household
from tests.fakes.mosquitto import free_port, running

CONFIG_WORDS = re.compile(r"\[mqtt\]|password_file|errno|_ssl|\[Errno|host =", re.IGNORECASE)


def draft(folder: Path, **microsoft: object) -> Config:
    table = {"microsoft": microsoft.pop("microsoft", {}), "network": microsoft}
    return check(table, folder=folder, environ={"HOME": str(folder)})


@asynccontextmanager
async def talks_http() -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def refused(folder: Path, settings: MqttSettings) -> MistakeError:
    with pytest.raises(MistakeError) as caught:
        await Probe(draft(folder), {}).broker(settings)
    assert not CONFIG_WORDS.search(str(caught.value)), caught.value
    return caught.value


async def test_a_broker_that_is_not_there_is_said_at_the_field_to_look_at(tmp_path: Path) -> None:
    port = free_port()
    mistake = await refused(tmp_path, MqttSettings(host="127.0.0.1", port=port))
    assert mistake.text == f"Nothing listens on port {port} of 127.0.0.1."
    assert mistake.field == "port"
    mistake = await refused(tmp_path, MqttSettings(host="nowhere.invalid"))
    assert mistake.text == "No machine is called nowhere.invalid."
    assert mistake.field == "host"
    async with talks_http() as port:
        mistake = await refused(tmp_path, MqttSettings(host="127.0.0.1", port=port))
    assert mistake.text == f"What listens on port {port} of 127.0.0.1 is no broker."


async def test_a_broker_that_wants_somebody_else_says_who_is_not_let_in(tmp_path: Path) -> None:
    (tmp_path / "passwords").touch(mode=0o600)
    extra = f"allow_anonymous false\npassword_file {tmp_path / 'passwords'}"
    async with running(tmp_path, extra=extra) as broker:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        assert (await refused(tmp_path, settings)).field == "username"
        secret = SecretStr("s3cret")
        known = settings.model_copy(update={"username": "me", "password": secret})
        mistake = await refused(tmp_path, known)
    assert mistake.field == "password"
    assert "does not let me in" in mistake.text
    assert "s3cret" not in str(mistake)


NAME = "broker.example"


@asynccontextmanager
async def speaking_tls(folder: Path) -> AsyncIterator[tuple[int, int, ServerCertificate]]:
    """A plain port, one with TLS, and what it shows."""
    shown, port = make_certificate(folder, [NAME]), free_port()
    files = f"certfile {shown.cert_file}\nkeyfile {shown.key_file}"
    extra = f"allow_anonymous true\nlistener {port} 127.0.0.1\n{files}"
    async with running(folder, extra=extra) as broker:
        yield broker.port, port, shown


async def test_what_is_wrong_about_tls_is_said_with_whom_the_certificate_names(
    tmp_path: Path,
) -> None:
    async with speaking_tls(tmp_path) as (plain, port, shown):
        here: dict[str, Any] = {"host": "127.0.0.1", "tls": True}
        unknown = await refused(tmp_path, MqttSettings(**here, port=port))
        assert unknown.field == "ca"
        for words in (f"for {NAME}", "signed by CN=", "and ends on 20"):
            assert words in unknown.text
        known = MqttSettings(**here, port=port, ca_file=shown.ca_file)
        other_name = await refused(tmp_path, known)
        assert (other_name.field, NAME in other_name.text) == ("server_name", True)
        none_there = await refused(tmp_path, MqttSettings(**here, port=plain))
        assert none_there.text == f"The broker on port {plain} of 127.0.0.1 speaks no TLS there."
        assert none_there.field == "tls"
        untold = await refused(tmp_path, MqttSettings(host="127.0.0.1", port=port))
        assert (untold.field, untold.remedy) == ("tls", "Tick TLS.")
        broken = MqttSettings(**here, port=port, ca_file=Path(__file__))
        assert (await refused(tmp_path, broken)).field == "ca"
        right = known.model_copy(update={"server_name": NAME})
        await Probe(draft(tmp_path), {}).broker(right)


@pytest.mark.parametrize("right", ["topic read presence/#", "topic write presence/#"])
async def test_a_user_without_our_rights_is_refused_before_it_is_written(
    tmp_path: Path, right: str
) -> None:
    (tmp_path / "acl").write_text(f"{right}\n")
    (tmp_path / "acl").chmod(0o600)
    extra = f"allow_anonymous true\nacl_file {tmp_path / 'acl'}"
    async with running(tmp_path, extra=extra) as broker:
        settings = MqttSettings(host="127.0.0.1", port=broker.port)
        mistake = await refused(tmp_path, settings)
    assert mistake.field == "username"
    assert "presence/bridge/" in mistake.text


async def test_a_broker_that_lets_us_in_is_taken(tmp_path: Path) -> None:
    async with running(tmp_path) as broker:
        await Probe(draft(tmp_path), {}).broker(MqttSettings(host="127.0.0.1", port=broker.port))


@pytest.fixture
def probe(tmp_path: Path, microsoft: ScriptedMicrosoft) -> Probe:
    urls = {"login_url": microsoft.login_url, "graph_url": microsoft.graph_url}
    return Probe(draft(tmp_path, microsoft=urls, ca_file=str(microsoft.ca_file)), {})


async def test_a_registration_is_tried_with_its_real_client_id(
    probe: Probe, home: Household
) -> None:
    tenant, app = home.tenant, UUID(home.app.client_id)
    await probe.registration(Registration(tenant.domain, app))
    for wanted, field, words in (
        (Registration(tenant.domain, UUID(int=7)), "client_id", "AADSTS700016"),
        (Registration("fabrikam.com", app), "tenant", "AADSTS90002"),
        (Registration(tenant.domain, UUID(tenant.tenant_id)), "client_id", "id of the tenant"),
    ):
        with pytest.raises(MistakeError, match=words) as caught:
            await probe.registration(wanted)
        assert (caught.value.field, caught.value.swapped) == (field, None)


async def test_two_ids_in_each_others_place_come_back_in_their_own(
    probe: Probe, home: Household
) -> None:
    tenant, app = UUID(home.tenant.tenant_id), UUID(home.app.client_id)
    with pytest.raises(MistakeError) as caught:
        await probe.registration(Registration(str(app), tenant))
    assert caught.value.swapped == Registration(str(tenant), app)


async def test_a_microsoft_that_cannot_be_reached_condemns_no_registration(tmp_path: Path) -> None:
    probe = Probe(draft(tmp_path, microsoft={"login_url": "https://127.0.0.1:1"}), {})
    with pytest.raises(TryAgainError):
        await probe.registration(Registration("contoso.com", UUID(int=7)))
