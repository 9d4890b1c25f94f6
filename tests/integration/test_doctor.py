"""``presence-bridge doctor`` between a real broker and a simulated Microsoft."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge import doctor
from bridge.broker import visit
from bridge.config import state_dir
from bridge.config.command_line import FAILED, OK
from bridge.config.loader import load
from bridge.contract.wire import Message, encode_json
from bridge.demo.certificate import ServerCertificate, make_certificate
from bridge.doctor.microsoft import PLACES
from bridge.microsoft.sign_in.remedies import explain
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import household
from tests.fakes.microsoft.faults import Fault, Nonsense
from tests.fakes.mosquitto import Mosquitto, free_port, running

AUTH = "presence/account/alice/auth"


@dataclass
class Patient:
    """A config that is right but for the sign-in, and the doctor's words about it."""

    file: Path
    microsoft: ScriptedMicrosoft
    clock: ManualClock
    broker: Mosquitto
    capsys: pytest.CaptureFixture[str]

    def change(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.file.write_text(text.replace(old, new), encoding="utf-8")

    async def examine(self, places: Sequence[Path | None] = PLACES) -> tuple[int, list[str]]:
        """The exit code, and the report's lines."""
        environ = {"HOME": str(self.file.parent)}
        code = await asyncio.to_thread(doctor.examine, self.file, environ, places=places)
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
        ScriptedMicrosoft(home.directory, certificate, clock=clock) as microsoft,
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
    assert code == FAILED
    good, bad = report[:5], report[5:]
    assert good[0] == f"ok   config: {patient.file}"
    assert good[1] == f"ok   state_dir: {patient.file.parent / 'state'}"
    assert good[2] == f"ok   broker: 127.0.0.1:{patient.broker.port} lets anonymous in"
    assert good[3].startswith("ok   alice: tenant ")
    assert good[4] == "ok   clock: agrees with Microsoft's"
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
async def test_a_wrong_config_is_reported_and_nothing_is_asked(
    patient: Patient, old: str, new: str, finding: str
) -> None:
    patient.change(old, new)
    code, report = await patient.examine()
    assert code == FAILED
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
    assert code == FAILED
    assert "make one with: presence-bridge init" in report[0]


async def test_a_broker_that_is_away_does_not_hide_the_rest(patient: Patient) -> None:
    port = free_port()
    patient.change(f"port = {patient.broker.port}", f"port = {port}")
    _, report = await patient.examine()
    assert report[2].startswith(f"BAD  broker: 127.0.0.1:{port} cannot be reached")
    assert report[3].startswith("     -> Start the broker, or correct host and port in [mqtt]")
    assert "ok   clock: agrees with Microsoft's" in report


@pytest.mark.parametrize(
    ("broker", "mqtt", "cure"),
    [
        ("", "tls = true", "Correct host, port and tls in [mqtt]"),
        ("", 'tls = true\nca_file = "nowhere.pem"', "Correct the path in [mqtt]."),
        ("allow_anonymous false", 'username = "bridge"\npassword = "hunter2"', "If init made"),
    ],
)
async def test_a_broker_that_cannot_be_used_is_reported_with_its_cure_and_no_password(
    patient: Patient, tmp_path: Path, broker: str, mqtt: str, cure: str
) -> None:
    folder = tmp_path / "other"
    folder.mkdir()
    async with running(folder, extra=broker or "allow_anonymous true") as other:
        patient.change(f"port = {patient.broker.port}", f"port = {other.port}\n{mqtt}")
        _, report = await patient.examine()
    assert report[2].startswith(f"BAD  broker: 127.0.0.1:{other.port} ")
    assert report[3].startswith(f"     -> {cure}")
    assert "hunter2" not in "".join(report)


async def test_a_config_without_accounts_is_a_finding(patient: Patient) -> None:
    patient.change("[accounts.alice]", "")
    code, report = await patient.examine()
    assert code == FAILED
    assert report[-2:] == [
        "BAD  accounts: nobody to follow",
        "     -> Add a table [accounts.NAME] to the config, or a person on the page.",
    ]


async def test_who_was_added_on_the_page_is_asked_about_too_and_what_is_shared_said_once(
    patient: Patient,
) -> None:
    (patient.file.parent / "state").mkdir()
    (patient.file.parent / "state" / "people.json").write_text('{"bob": {}}', encoding="utf-8")
    _, report = await patient.examine()
    assert "BAD  bob: Nobody is signed in." in report
    assert "     -> presence-bridge login bob" in report
    assert report.count("ok   clock: agrees with Microsoft's") == 1


@pytest.mark.parametrize(
    ("old", "secret"),
    [
        ("[network]", '[security]\nkey_file = "secret"\n[network]'),
        ("[mqtt]", '[mqtt]\nusername = "bridge"\npassword_file = "secret"'),
        ("[accounts.alice]", '[web]\npassword_file = "secret"\n[accounts.alice]'),
    ],
)
async def test_a_secret_that_everybody_can_read_is_a_finding(
    patient: Patient, old: str, secret: str
) -> None:
    file = patient.file.parent / "secret"
    file.write_text("hunter2", encoding="utf-8")
    patient.file.parent.chmod(0o755)
    patient.change(old, secret)
    finding = f"BAD  {file} can be read by everybody on this machine"
    for mode, told in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        _, report = await patient.examine()
        assert (finding in report) is told
        assert (f"     -> chmod 600 {file}" in report) is told
        assert "hunter2" not in "".join(report)


@pytest.mark.parametrize(("minutes", "way"), [(10, "behind"), (-10, "ahead of")])
async def test_a_wrong_clock_is_reported_with_its_remedy(
    patient: Patient, minutes: int, way: str
) -> None:
    patient.clock.jump_wall(timedelta(minutes=minutes).total_seconds())
    _, report = await patient.examine()
    at = next(n for n, line in enumerate(report) if line.startswith("BAD  clock"))
    assert report[at] == f"BAD  clock: 0:10 h {way} Microsoft's"
    assert "timedatectl set-ntp true" in report[at + 1]


async def test_a_certificate_that_has_not_begun_is_the_clocks_fault(
    patient: Patient, tmp_path: Path
) -> None:
    """A machine without a battery clock lives in the past until it has asked for the time."""
    later = make_certificate(tmp_path / "later", now=datetime.now(UTC) + timedelta(days=400))
    home = household(patient.clock)
    async with ScriptedMicrosoft(home.directory, later) as microsoft:
        patient.change(str(patient.microsoft.ca_file), str(microsoft.ca_file))
        patient.change(patient.microsoft.login_url, microsoft.login_url)
        _, report = await patient.examine()
    at = next(n for n, line in enumerate(report) if line.startswith("BAD  alice: tenant"))
    assert report[at + 1].startswith("     -> Set the time of this machine: ")


@pytest.mark.parametrize(
    ("network", "login_url", "fault", "cure"),
    [
        (
            'proxy = "http://bob:hunter2@127.0.0.1:1"',
            "",
            "no connection to the proxy (Connection refused)",
            "Correct proxy in [network]",
        ),
        (
            'proxy = "bob:hunter2@127.0.0.1:1"',
            "",
            "no connection to the proxy (Connection refused)",
            "Correct proxy in [network]",
        ),
        (
            "",
            "https://login.invalid",
            "name not found (login.invalid)",
            "That name leads nowhere",
        ),
        (
            "",
            "https://127.0.0.1:1",
            "no connection (Connection refused)",
            "Check that this machine is online",
        ),
    ],
)
async def test_why_microsoft_cannot_be_reached_is_reported_and_decides_the_cure(
    patient: Patient, network: str, login_url: str, fault: str, cure: str
) -> None:
    patient.change("[network]", f"[network]\n{network}")
    patient.change(patient.microsoft.login_url, login_url or patient.microsoft.login_url)
    _, report = await patient.examine()
    at = next(n for n, line in enumerate(report) if line.startswith("BAD  alice: tenant: "))
    assert report[at].endswith(f" cannot be reached: {fault}")
    assert report[at + 1].startswith(f"     -> {cure}")
    assert "hunter2" not in "".join(report)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("discovery", status=503), "fails (HTTP 503)"),
        (Fault("discovery", aadsts=90033), "fails (HTTP 503)"),
        (Fault("discovery", nonsense=Nonsense.HTML), "cannot be reached: what answered is not Mic"),
    ],
    ids=["refusal", "bad moment", "hotspot"],
)
async def test_a_microsoft_that_fails_is_not_a_persons_fault(
    patient: Patient, fault: Fault, told: str
) -> None:
    patient.microsoft.faults.add(fault)
    _, report = await patient.examine()
    at = next(index for index, line in enumerate(report) if "alice: tenant" in line)
    assert report[at].startswith(f"BAD  alice: tenant: {patient.microsoft.login_url} {told}")
    assert "try again later" in report[at + 1]


async def test_an_authority_file_without_a_certificate_is_a_finding(patient: Patient) -> None:
    (patient.file.parent / "junk.pem").write_text("junk", encoding="utf-8")
    patient.change(str(patient.microsoft.ca_file), "junk.pem")
    _, report = await patient.examine()
    assert report[-1].startswith("BAD  network.ca_file: ")
    told = "junk.pem: holds no certificate; correct the path, or take it out"
    assert report[-1].endswith(told)


@pytest.mark.parametrize(
    ("auth", "finding"),
    [
        (b'{"state":"signed_in"}', ["ok   alice: the running service is signed in"]),
        (
            b'{"state":"expired","message":"It ended.","remedy":"Sign in again.","who":"you"}',
            ["BAD  alice: It ended.", "     -> Sign in again (presence-bridge login alice)."],
        ),
        (
            b'{"state":"error","message":"No.","remedy":"Ask.","who":"Eve","correlation_id":"7"}',
            [
                "BAD  alice: No.",
                "     -> Ask.",
                "     Who must act: Eve. Correlation id: 7",
            ],
        ),
        (
            b'{"state":"device_code_pending","message":null}',
            ["BAD  alice: device code pending.", "     -> presence-bridge login alice"],
        ),
        (b"{}", ["BAD  alice: not known yet.", "     -> presence-bridge login alice"]),
        (
            b"garbage",
            [
                "BAD  what the running service published cannot be read: not JSON",
                "     -> Ask again in a minute: ",
            ],
        ),
    ],
)
async def test_beside_a_running_service_the_broker_is_asked_and_not_the_token_cache(
    patient: Patient, auth: bytes, finding: list[str]
) -> None:
    with state_dir.locked(patient.file.parent / "state"):
        await patient.publish("presence/bridge/state", b"online")
        await patient.publish(AUTH, auth)
        code, report = await patient.examine()
    good = finding[0].startswith("ok ")
    assert code == (OK if good else FAILED)
    at = next(n for n, line in enumerate(report) if line.startswith(finding[0]))
    assert len(report[at:]) == len(finding)
    for line, begin in zip(report[at:], finding, strict=True):
        assert line.startswith(begin)


@pytest.mark.parametrize("topic", ["table/alice/auth", "account/alice_bob/auth"])
async def test_people_of_one_table_have_one_sign_in_wherever_it_is_published(
    patient: Patient, topic: str
) -> None:
    """The last release told it with each of them."""
    patient.change("[accounts.alice]", '[accounts.alice]\nwatch = ["bob@contoso.com"]')
    with state_dir.locked(patient.file.parent / "state"):
        await patient.publish("presence/bridge/state", b"online")
        await patient.publish(f"presence/{topic}", b'{"state":"signed_in"}')
        _, report = await patient.examine()
    assert report[-1] == "ok   alice: the running service is signed in"


async def test_what_the_service_says_names_the_account_in_its_command(patient: Patient) -> None:
    told = explain({"error": "invalid_grant", "error_codes": [53003]})
    with state_dir.locked(patient.file.parent / "state"):
        await patient.publish("presence/bridge/state", b"online")
        auth = {"state": "error", "message": told.text, "remedy": told.remedy, "who": told.who}
        await patient.publish(AUTH, encode_json(auth))
        _, report = await patient.examine()
    assert report[-2].endswith("or try a browser: presence-bridge login alice --browser.")


async def test_a_running_service_that_is_unwell_is_a_finding(patient: Patient) -> None:
    with state_dir.locked(patient.file.parent / "state"):
        await patient.publish("presence/bridge/state", b"online")
        await patient.publish(AUTH, b'{"state":"signed_in"}')
        health = b'{"healthy":false,"reason":"alice: Microsoft Graph fails (HTTP 500)"}'
        await patient.publish("presence/bridge/health", health)
        code, report = await patient.examine()
    assert code == FAILED
    assert "BAD  the running service: alice: Microsoft Graph fails (HTTP 500)" in report


async def test_a_service_that_runs_but_is_not_at_the_broker_is_a_finding(patient: Patient) -> None:
    with state_dir.locked(patient.file.parent / "state"):
        code, report = await patient.examine()
    assert code == FAILED
    assert "BAD  the service runs, but not at this broker" in report


@pytest.mark.parametrize("running", [False, True])
async def test_a_stored_sign_in_that_is_no_text_is_damaged_and_reported_once(
    patient: Patient, *, running: bool
) -> None:
    folder = patient.file.parent / "state"
    (folder / "tokens").mkdir(parents=True)
    (folder / "tokens" / "alice.json").write_bytes(b"\xff\xfe")
    with state_dir.locked(folder) if running else nullcontext():
        _, report = await patient.examine()
    told = "BAD  alice: The stored sign-in is damaged."
    assert report.count(told) == 1
    assert report[report.index(told) + 1] == "     -> presence-bridge login alice"
    assert not [line for line in report if "the stored sign-in is" in line]


async def test_the_next_place_is_taken_where_no_copy_can_be_made(
    patient: Patient, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    _, report = await patient.examine([tmp_path / "nowhere", place])
    assert "BAD  alice: Nobody is signed in." in report
    assert not list(place.iterdir())


async def test_without_a_place_for_the_copy_that_is_reported_and_nothing_is_tried(
    patient: Patient, tmp_path: Path
) -> None:
    code, report = await patient.examine([tmp_path / "nowhere", patient.file])
    assert code == FAILED
    assert report[-2:] == [
        "BAD  no place for a private copy of the stored sign-ins: Not a directory",
        "     -> Set TMPDIR to a folder that this user may write, on a disk that is not full.",
    ]
    assert patient.microsoft.requests.count("*") == 0
