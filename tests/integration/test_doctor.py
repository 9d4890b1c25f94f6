"""``presence-bridge doctor`` between a real broker and a simulated Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge import doctor, state
from bridge.broker import visit
from bridge.config import load
from bridge.contract.wire import Message
from bridge.demo.certificate import ServerCertificate, make_certificate
from bridge.demo.directory import household
from bridge.demo.microsoft import SimulatedMicrosoft
from bridge.demo.script import Fault
from tests.fakes.clock import ManualClock
from tests.fakes.mosquitto import Mosquitto, free_port, running

AUTH = "presence/account/alice/auth"


@dataclass
class Patient:
    """A config that is right but for the sign-in, and the doctor's words about it."""

    file: Path
    microsoft: SimulatedMicrosoft
    clock: ManualClock
    broker: Mosquitto
    capsys: pytest.CaptureFixture[str]

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    async def examine(self) -> tuple[int, list[str]]:
        """The exit code, and the report's lines."""
        environ = {"HOME": str(self.file.parent)}
        code = await asyncio.to_thread(doctor.examine, self.file, environ)
        return code, self.capsys.readouterr().out.splitlines()

    async def publish(self, topic: str, payload: bytes) -> None:
        config = load(self.file, {})
        await visit(config.mqtt, publish=[Message(topic, payload)])


@pytest.fixture
async def patient(
    tmp_path: Path, certificate: ServerCertificate, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[Patient]:
    clock = ManualClock(datetime.now(UTC))
    home = household(clock)
    async with (
        SimulatedMicrosoft(home.directory, certificate, clock=clock) as microsoft,
        running(tmp_path) as broker,
    ):
        file = tmp_path / "config.toml"
        file.write_text(
            f"""
            state_dir = "state"
            [mqtt]
            host = "127.0.0.1"
            port = {broker.port}
            [microsoft]
            tenant = "{home.tenant.domain}"
            client_id = "{home.app.client_id}"
            login_url = "{microsoft.login_url}"
            graph_url = "{microsoft.graph_url}"
            [network]
            ca_file = "{microsoft.ca_file}"
            [accounts.alice]
            """,
            encoding="utf-8",
        )
        built = Patient(file, microsoft, clock, broker, capsys)
        await built.publish("presence/bridge/state", b"offline")  # else the doctor listens for it
        yield built


async def test_an_account_that_nobody_signed_in_is_the_only_finding(patient: Patient) -> None:
    code, report = await patient.examine()
    assert code == doctor.FOUND
    good, bad = report[:4], report[4:]
    assert good[0] == f"ok   config: {patient.file}"
    assert good[1] == f"ok   broker: 127.0.0.1:{patient.broker.port} lets anonymous in"
    assert good[2].startswith("ok   alice: tenant ")
    assert good[3] == "ok   clock: agrees with Microsoft's"
    assert bad[0].startswith("BAD  alice: ")
    assert bad[1] == "     -> presence-bridge login alice"
    assert len(bad) == 2


async def test_it_starts_no_sign_in(patient: Patient) -> None:
    await patient.examine()
    assert patient.microsoft.requests.count("devicecode") == 0
    assert not list((patient.file.parent / "state").rglob("*.json"))


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("[accounts.alice]", "[accounts.alice]\nnmae = 1", "accounts.alice.nmae: unknown; did"),
        ("[mqtt]", "[mqtt]\ntls = 7", "mqtt.tls: "),
        ("[mqtt]", "[mqtt", "config.toml: "),
    ],
)
async def test_a_wrong_config_is_told_and_nothing_is_asked(
    patient: Patient, old: str, new: str, finding: str
) -> None:
    patient.change(old, new)
    code, report = await patient.examine()
    assert code == doctor.FOUND
    assert len(report) == 1
    assert report[0].startswith("BAD  config: ")
    assert finding in report[0]
    assert patient.microsoft.requests.count("*") == 0


async def test_every_mistake_in_the_config_is_a_line(patient: Patient) -> None:
    patient.change("[mqtt]", "[mqtt]\nhosst = 1\npasword = 2")
    _, report = await patient.examine()
    assert [line.split(":")[1].strip() for line in report] == ["mqtt.hosst", "mqtt.pasword"]


async def test_without_a_config_it_says_how_to_make_one(patient: Patient) -> None:
    patient.file.unlink()
    code, report = await patient.examine()
    assert code == doctor.FOUND
    assert "make one with: presence-bridge init" in report[0]


async def test_a_broker_that_is_away_does_not_hide_the_rest(patient: Patient) -> None:
    port = free_port()
    patient.change(f"port = {patient.broker.port}", f"port = {port}")
    _, report = await patient.examine()
    assert report[1].startswith(f"BAD  broker: broker 127.0.0.1:{port} cannot be reached")
    assert report[2] == "     -> See [mqtt] in the config."
    assert "ok   clock: agrees with Microsoft's" in report


async def test_a_broker_that_refuses_is_told_without_the_password(
    patient: Patient, tmp_path: Path
) -> None:
    folder = tmp_path / "strict"
    folder.mkdir()
    async with running(folder, extra="allow_anonymous false") as strict:
        mine = f'port = {strict.port}\nusername = "bridge"\npassword = "hunter2"'
        patient.change(f"port = {patient.broker.port}", mine)
        _, report = await patient.examine()
    assert report[1].startswith("BAD  broker: ")
    assert "does not let this user in (bridge)" in report[1]
    assert "hunter2" not in "".join(report)


async def test_a_config_without_accounts_is_a_finding(patient: Patient) -> None:
    patient.change("[accounts.alice]", "")
    code, report = await patient.examine()
    assert code == doctor.FOUND
    assert report[-2:] == [
        "BAD  accounts: nobody to follow",
        "     -> Add a table [accounts.NAME].",
    ]


async def test_an_unknown_tenant_is_told_with_its_remedy(patient: Patient) -> None:
    patient.change('tenant = "contoso.com"', 'tenant = "contosso.com"')
    _, report = await patient.examine()
    (line,) = [line for line in report if "alice: tenant" in line]
    assert line.startswith("BAD  alice: tenant: The tenant does not exist")
    assert "Check tenant and cloud in the config." in line


async def test_an_authority_that_is_not_trusted_is_told_with_its_remedy(
    patient: Patient, tmp_path: Path
) -> None:
    other = make_certificate(tmp_path / "other")
    patient.change(str(patient.microsoft.ca_file), str(other.ca_file))
    _, report = await patient.examine()
    (line,) = [line for line in report if "alice: tenant" in line]
    assert line.startswith("BAD  alice: tenant: ")
    assert "certificate is not trusted; set ca_file in [network]" in line


@pytest.mark.parametrize(("minutes", "said"), [(10, "behind"), (-10, "ahead")])
async def test_a_wrong_clock_is_told_with_its_remedy(
    patient: Patient, minutes: int, said: str
) -> None:
    patient.clock.jump_wall(timedelta(minutes=minutes).total_seconds())
    _, report = await patient.examine()
    (line,) = [line for line in report if "clock" in line and line.startswith("BAD")]
    assert abs(int(line.split()[2]) - 600) < 60
    assert line.endswith(f" s {said}")
    assert "     -> Set the time: timedatectl set-ntp true." in report


async def test_a_microsoft_that_fails_is_not_a_persons_fault(patient: Patient) -> None:
    patient.microsoft.faults.add(Fault("discovery", status=503))
    _, report = await patient.examine()
    at = next(index for index, line in enumerate(report) if "alice: tenant" in line)
    assert report[at].startswith(f"BAD  alice: tenant: {patient.microsoft.login_url} ")
    assert report[at + 1] == "     -> Check network, proxy and DNS."


@pytest.mark.parametrize(
    ("auth", "good", "said"),
    [
        (b'{"state":"signed_in"}', True, "the running service is signed in"),
        (
            b'{"state":"expired","message":"It ended.","remedy":"Sign in again."}',
            False,
            "expired. It ended. Sign in again.",
        ),
        (b'{"state":"device_code_pending","message":null}', False, "device code pending."),
        (b"{}", False, "not known yet."),
        (b"garbage", False, "cannot be asked: not JSON"),
    ],
)
async def test_beside_a_running_service_the_broker_is_asked_and_not_the_token_cache(
    patient: Patient, auth: bytes, said: str, *, good: bool
) -> None:
    with state.claimed(patient.file.parent / "state"):
        await patient.publish(AUTH, auth)
        code, report = await patient.examine()
    (line,) = [line for line in report if said in line]
    assert line.startswith("ok   alice: " if good else "BAD  alice: ")
    assert code == (doctor.OK if good else doctor.FOUND)
