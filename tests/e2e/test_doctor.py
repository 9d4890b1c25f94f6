"""``presence-bridge doctor`` on broken set-ups names fault and cure, as doctor_says.md shows."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bridge.commands import login as commands
from bridge.config.command_line import OK
from bridge.config.loader import load
from bridge.demo.certificate import make_certificate
from bridge.doctor.microsoft import IN_MEMORY
from bridge.microsoft.sign_in.certificate import create
from tests.e2e.conftest import Stage
from tests.fakes.forks import Done, Forks
from tests.fakes.microsoft.faults import Fault
from tests.fakes.mosquitto import Mosquitto, free_port

SAID = Path(__file__).with_name("doctor_says.md")
SHOWN = re.compile(r"^(\S[^\n]*):\n\n```text\n(.*?)\n```$", re.MULTILINE | re.DOTALL)
STRANGER = "11111111-2222-3333-4444-555555555555"

Break = Callable[[Stage], Awaitable[Mosquitto | None]]
"""Breaks a set-up; returns a broker that must be stopped afterwards."""
CASES: dict[str, Break] = {}


def case(breaking: Break) -> Break:
    """A broken set-up, named as doctor_says.md names it."""
    name = breaking.__name__.replace("_", " ").replace("sign in", "sign-in")
    CASES[f"{name[:1].upper()}{name[1:]}"] = breaking
    return breaking


def change(stage: Stage, old: str, new: str) -> None:
    text = stage.config.read_text(encoding="utf-8")
    assert old in text
    stage.config.write_text(text.replace(old, new), encoding="utf-8")


async def login(stage: Stage) -> None:
    """As the command does it, without a process for it."""
    config = load(stage.config, {})
    assert await commands.login(config, "alice") == OK


async def refreshes(stage: Stage) -> None:
    """Let the stored access token be refused, so that the next read needs a new one."""
    await login(stage)
    stage.microsoft.tokens.revoke_access(stage.home.person.oid)


async def other_broker(stage: Stage, extra: str, *, mqtt: str = "") -> Mosquitto:
    """Start a broker with ``extra`` lines and let the config name that one."""
    folder = stage.folder / "broker"
    folder.mkdir()
    broker = Mosquitto(folder, extra=extra)
    await broker.start()
    change(stage, f"port = {stage.broker.port}", f"port = {broker.port}\n{mqtt}")
    return broker


def app(stage: Stage, whom: str, *roles: str, now: datetime | None = None, days: int = 730) -> None:
    """Let alice's table sign in by certificate; with ``roles`` it is uploaded and has those."""
    made = create(stage.folder / "secrets", days=days, now=now or datetime.now(UTC))
    change(
        stage,
        'name = "Alice"',
        f'sign_in = "app"\n{whom}\n'
        'certificate_file = "secrets/app.pem"\nprivate_key_file = "secrets/app.key"',
    )
    if roles:
        stage.home.app.certificates.append(made.certificate_file.read_bytes())
        stage.home.app.roles = set(roles)


@case
async def a_mistyped_key(stage: Stage) -> None:
    change(stage, 'name = "Alice"', 'nmae = "Alice"')


@case
async def an_address_for_all_tenants(stage: Stage) -> None:
    change(stage, f'tenant = "{stage.home.tenant.domain}"', 'tenant = "common"')


@case
async def a_cloud_without_presence(stage: Stage) -> None:
    change(stage, "[microsoft]", '[microsoft]\ncloud = "china"')


@case
async def a_client_id_that_was_never_filled_in(stage: Stage) -> None:
    change(stage, stage.home.app.client_id, "00000000-0000-0000-0000-000000000000")


@case
async def a_domain_that_does_not_exist(stage: Stage) -> None:
    await login(stage)
    change(stage, f'tenant = "{stage.home.tenant.domain}"', 'tenant = "contosso.com"')


@case
async def a_proxy_that_looks_into_connections(stage: Stage) -> None:
    other = make_certificate(stage.folder / "other")
    change(stage, str(stage.microsoft.ca_file), str(other.ca_file))


@case
async def an_authority_file_that_is_missing(stage: Stage) -> None:
    change(stage, str(stage.microsoft.ca_file), "secrets/proxy.pem")


@case
async def a_clock_that_is_behind(stage: Stage) -> None:
    await login(stage)
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
    stage.microsoft.faults.add(Fault("discovery", headers={"Date": date}))


@case
async def a_broker_that_is_not_there(stage: Stage) -> None:
    await login(stage)
    change(stage, f"port = {stage.broker.port}", f"port = {free_port()}")


@case
async def a_broker_whose_name_leads_nowhere(stage: Stage) -> None:
    await login(stage)
    change(stage, 'host = "127.0.0.1"', 'host = "mosquitto.invalid"')


@case
async def a_broker_that_wants_a_password(stage: Stage) -> Mosquitto:
    await login(stage)
    return await other_broker(stage, "allow_anonymous false")


@case
async def a_broker_that_refuses_the_password(stage: Stage) -> Mosquitto:
    await login(stage)
    (stage.folder / "mqtt_bridge").write_text("hunter2", encoding="utf-8")
    (stage.folder / "mqtt_bridge").chmod(0o600)
    user = 'username = "bridge"\npassword_file = "mqtt_bridge"'
    return await other_broker(stage, "allow_anonymous false", mqtt=user)


@case
async def a_broker_with_a_certificate_of_its_own(stage: Stage) -> Mosquitto:
    await login(stage)
    made = make_certificate(stage.folder / "other")
    lines = f"allow_anonymous true\ncertfile {made.cert_file}\nkeyfile {made.key_file}"
    return await other_broker(stage, lines, mqtt="tls = true")


@case
async def a_user_who_may_only_write(stage: Stage) -> Mosquitto:
    await login(stage)
    return await other_broker(stage, rules(stage, "topic write #"))


@case
async def a_line_that_is_missing_in_the_rules(stage: Stage) -> Mosquitto:
    await login(stage)
    return await other_broker(stage, rules(stage, "topic readwrite presence/#"))


@case
async def a_broker_that_stores_nothing(stage: Stage) -> Mosquitto:
    await login(stage)
    return await other_broker(stage, "allow_anonymous true\nretain_available false")


def rules(stage: Stage, line: str) -> str:
    file = stage.folder / "mosquitto.acl"
    file.write_text(f"{line}\n", encoding="utf-8")
    return f"allow_anonymous true\nacl_file {file}"


@case
async def a_password_file_that_is_missing(stage: Stage) -> None:
    change(stage, "[mqtt]", '[mqtt]\nusername = "bridge"\npassword_file = "secrets/mqtt_bridge"')


@case
async def a_state_folder_that_cannot_be_written(stage: Stage) -> None:
    await login(stage)
    (stage.folder / "state").chmod(0o500)


@case
async def a_sign_in_that_everybody_can_read(stage: Stage) -> None:
    await login(stage)
    for path, mode in (
        ("state", 0o755),
        ("state/tokens", 0o755),
        ("state/tokens/alice.json", 0o644),
    ):
        (stage.folder / path).chmod(mode)


@case
async def a_service_that_keeps_its_state_elsewhere(stage: Stage) -> None:
    stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    await stage.mqtt.until("presence/bridge/health", lambda heard: heard.json["last_poll_ok"])
    change(stage, 'state_dir = "state"', 'state_dir = "other"')


@case
async def a_key_file_that_is_gone(stage: Stage) -> None:
    stage.configure('[security]\nkey_file = "secrets/token_key"')


@case
async def tokens_that_were_encrypted_with_another_key(stage: Stage) -> None:
    encrypt(stage, "a")
    await login(stage)
    encrypt(stage, "b")


def encrypt(stage: Stage, letter: str) -> None:
    file = stage.folder / letter
    file.write_bytes(base64.b64encode(letter.encode() * 32))
    file.chmod(0o600)
    stage.configure(f'[security]\nkey_file = "{letter}"')


@case
async def nobody_signed_in(_: Stage) -> None:
    pass


@case
async def a_sign_in_that_was_revoked(stage: Stage) -> None:
    await login(stage)
    stage.microsoft.revoke(stage.home.person)


@case
async def a_stored_sign_in_that_is_damaged(stage: Stage) -> None:
    await login(stage)
    (stage.folder / "state/tokens/alice.json").write_text("{", encoding="utf-8")


@case
async def a_client_id_that_was_changed_after_the_sign_in(stage: Stage) -> None:
    await login(stage)
    change(stage, stage.home.app.client_id, STRANGER)


@case
async def a_policy_against_device_codes(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.tenant.device_code_blocked = True


@case
async def an_app_without_public_client_flows(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.app.public_client = False


@case
async def consent_that_nobody_gave(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.app.consented = set()


@case
async def consent_that_an_admin_must_give(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.person.refused_with = 90094


@case
async def a_permission_or_licence_that_is_missing(stage: Stage) -> None:
    await login(stage)
    stage.microsoft.faults.add(Fault("me.presence", status=403))


@case
async def an_app_without_a_certificate(stage: Stage) -> None:
    change(stage, 'name = "Alice"', 'sign_in = "app"\nuser = "alice@contoso.com"')


@case
async def a_certificate_that_was_not_uploaded(stage: Stage) -> None:
    app(stage, 'user = "alice@contoso.com"')


@case
async def a_certificate_that_has_ended(stage: Stage) -> None:
    app(stage, 'user = "alice@contoso.com"', now=datetime(2025, 1, 1, tzinfo=UTC), days=10)


@case
async def a_client_id_that_the_tenant_does_not_know(stage: Stage) -> None:
    app(stage, 'user = "alice@contoso.com"')
    change(stage, stage.home.app.client_id, STRANGER)


@case
async def an_app_that_may_not_read_presence(stage: Stage) -> None:
    app(stage, f'user = "{stage.home.person.oid}"', "User.Read.All")


@case
async def a_group_that_does_not_exist(stage: Stage) -> None:
    app(stage, f'group = "{STRANGER}"', "Presence.Read.All", "GroupMember.Read.All")


@case
async def somebody_whose_name_is_mistyped(stage: Stage) -> None:
    whom = 'people = ["alice@contoso.com", "alcie@contoso.com"]'
    app(stage, whom, "Presence.Read.All", "User.Read.All")


@pytest.fixture(scope="session")
def powerless(forks: Forks) -> Iterator[Forks]:
    """As an ordinary user: root's powers would hide what is wrong with files."""
    if os.geteuid() != 0:
        yield forks
        return
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed (apt-get install util-linux)")
    with closing(Forks("setpriv", "--bounding-set=-all")) as loaded:
        yield loaded


@pytest.fixture
def stage(stage: Stage, powerless: Forks) -> Stage:
    """Its commands have no powers either."""
    return replace(stage, forks=powerless)


async def doctor(stage: Stage, *words: str) -> Done:
    """What it says, and that it leaves nothing in memory."""
    done = await stage.command("bridge", "doctor", *words)
    assert not list(IN_MEMORY.glob(f"presence-doctor-{done.pid}-*"))
    return done


def tree(folder: Path) -> Iterator[tuple[str, int, bytes]]:
    """Everything in ``folder`` but what brokers write."""
    for path in sorted(folder.rglob("*")):
        if not path.name.startswith("mosquitto"):
            content = path.read_bytes() if path.is_file() else b""
            yield str(path.relative_to(folder)), path.stat().st_mode, content


def findings(stage: Stage, told: Done) -> str:
    """The faults that were told, as doctor_says.md shows them."""
    text = "\n".join(line for line in told.stdout.splitlines() if not line.startswith("ok "))
    text = text.replace(str(stage.folder), "/etc/presence-bridge")
    for pattern, shown in (
        (r"127\.0\.0\.1:\d+", "localhost:1883"),
        (r"\.invalid:\d+", ".invalid:1883"),
        (r"https://localhost:\d+", "https://login.microsoftonline.com"),
        (r"Correlation id: [0-9a-f-]{36}", f"Correlation id: {STRANGER}"),
        (r"request-id [0-9a-f-]{36}", f"request-id {STRANGER}"),
        (r"\[Errno -\d+\].*", "[Errno -2] Name or service not known"),  # offline it is another
        (r"_ssl\.c:\d+", "_ssl.c:1006"),
    ):
        text = re.sub(pattern, shown, text)
    return text


def expected() -> dict[str, str]:
    return dict(SHOWN.findall(SAID.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", CASES)
async def test_the_doctor_names_the_fault_and_the_cure_and_changes_nothing(
    stage: Stage, name: str
) -> None:
    broker = await CASES[name](stage)
    if "presence/bridge/state" not in stage.mqtt.last:  # else it would be waited for
        await stage.mqtt.publish("presence/bridge/state", "offline", retain=True)
    before = list(tree(stage.folder))
    told = await doctor(stage)
    if broker:
        broker.stop()
    assert (told.returncode, told.stderr) == (1, "")
    assert findings(stage, told) == expected().get(name)
    assert stage.programs or list(tree(stage.folder)) == before  # a service writes meanwhile
    assert not [heard for heard in stage.mqtt.heard if "/request/" in heard.topic]
    for secret in ("hunter2", *stored_secrets(before)):
        assert secret not in told.stdout


def stored_secrets(before: list[tuple[str, int, bytes]]) -> Iterator[str]:
    for path, _, content in before:
        if path.endswith("alice.json"):
            yield from re.findall(r'"secret": "([^"]+)"', content.decode())


def test_the_file_shows_every_set_up_and_no_other() -> None:
    assert list(expected()) == list(CASES)


@pytest.mark.parametrize("key", [None, "a"])
async def test_a_sound_set_up_has_no_finding(stage: Stage, key: str | None) -> None:
    if key:
        encrypt(stage, key)
    await login(stage)
    told = await doctor(stage)
    assert (told.returncode, told.stderr) == (0, "")
    assert all(line.startswith("ok ") for line in told.stdout.splitlines())
    kept = "encrypted with key [0-9a-f]{8}" if key else "not encrypted; only this user may read it"
    assert re.search(f"^ok   alice: the stored sign-in is {kept}$", told.stdout, re.MULTILINE)


async def test_a_sign_in_that_it_renews_is_as_good_as_before(stage: Stage) -> None:
    """What is learnt is forgotten: files of a service must not become those of whoever asks."""
    await refreshes(stage)
    before = list(tree(stage.folder))
    for renewed in (1, 2):
        told = await doctor(stage)
        assert (told.returncode, told.stderr) == (0, "")
        assert stage.microsoft.requests.count("token.refresh_token") == renewed
        assert list(tree(stage.folder)) == before
        stage.microsoft.tokens.revoke_access(stage.home.person.oid)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
@pytest.mark.parametrize("waits_for", ["discovery", "token.refresh_token"])
async def test_when_stopped_it_leaves_no_copy(
    stage: Stage, how: signal.Signals, waits_for: str
) -> None:
    """Also when a worker gets its answer after that, and keeps what it got."""
    await refreshes(stage)
    answered = stage.microsoft.requests.count(waits_for)
    stage.microsoft.faults.add(Fault(waits_for, delay_s=1))
    running = stage.start("bridge", "doctor")
    await stage.microsoft.requests.until(waits_for, answered + 1, deadline_s=30)
    left = f"presence-doctor-{running.pid}-*"
    assert len(list(IN_MEMORY.glob(left))) == 1
    running.send_signal(how)
    assert await asyncio.to_thread(running.wait, 20) == 130
    assert not list(IN_MEMORY.glob(left))
    assert stage.log(running) == ""


async def test_a_sign_in_that_this_user_may_not_read_is_reported_as_that(stage: Stage) -> None:
    await login(stage)
    file = stage.folder / "state/tokens/alice.json"
    file.chmod(0)
    told = await doctor(stage)
    assert (told.returncode, told.stderr) == (1, "")
    assert told.stdout.endswith(
        f"may not read {file}, as its mode says\n"
        f"     -> chmod u+r {file}, or run this as the user of the service.\n"
    )


async def test_a_person_who_may_not_see_others_signs_in_once_more(stage: Stage) -> None:
    change(stage, 'name = "Alice"', f'watch = ["{STRANGER}"]')
    await login(stage)
    stage.microsoft.faults.add(Fault("presences", status=403, times=None))
    told = await doctor(stage)
    assert (
        "Where a person signs in: add the delegated permission Presence.Read.All to the app, let "
        "an admin consent where it is needed, then sign in again (presence-bridge login alice)."
    ) in told.stdout


async def test_its_log_is_silent_but_for_debug(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.app.public_client = False
    told = await doctor(stage, "--log-level", "debug")
    assert "ERROR   alice: The app does not allow public client flows" in told.stderr
    assert not any(secret in told.stderr for secret in stored_secrets(list(tree(stage.folder))))


async def test_beside_the_service_a_group_is_judged_by_what_the_service_says(stage: Stage) -> None:
    group = stage.home.directory.add_group(stage.home.tenant, "staff", [stage.home.person])
    app(stage, f'group = "{group.group_id}"', "Presence.Read.All", "GroupMember.Read.All")
    stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice_alice/availability", "online")
    told = await doctor(stage)
    assert (told.returncode, told.stderr) == (0, "")
    assert "ok   alice: the running service is signed in\n" in told.stdout

    stage.microsoft.faults.add(Fault("presences", status=403, times=None))
    await stage.mqtt.until("presence/bridge/health", lambda heard: not heard.json["healthy"])
    told = await doctor(stage)
    assert told.returncode == 1
    assert "BAD  the running service: alice: Microsoft Graph refuses" in told.stdout
