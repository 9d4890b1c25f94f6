"""``presence-bridge doctor`` on broken set-ups names fault and cure, as the docs show."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bridge.demo.certificate import make_certificate
from bridge.demo.script import Fault
from tests.e2e.conftest import Stage
from tests.fakes.mosquitto import free_port, running

DOCS = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
Break = Callable[[Stage], Awaitable[None]]
CASES: dict[str, Break] = {}


def case(breaking: Break) -> Break:
    """A broken set-up, named as the docs name it."""
    CASES[breaking.__name__.replace("_", " ").replace("sign in", "sign-in")] = breaking
    return breaking


def change(stage: Stage, old: str, new: str) -> None:
    text = stage.config.read_text(encoding="utf-8")
    assert old in text
    stage.config.write_text(text.replace(old, new), encoding="utf-8")


async def login(stage: Stage) -> None:
    done = await stage.command("bridge", "login", "alice")
    assert done.returncode == 0, done.stderr


async def refreshes(stage: Stage) -> None:
    """Let the stored access token be refused, so that the next read needs a new one."""
    await login(stage)
    stage.microsoft.tokens.revoke_access(stage.home.person.oid)


@case
async def a_mistyped_key(stage: Stage) -> None:
    change(stage, 'name = "Alice"', 'nmae = "Alice"')


@case
async def an_address_for_all_tenants(stage: Stage) -> None:
    change(stage, f'tenant = "{stage.home.tenant.domain}"', 'tenant = "common"')


@case
async def a_cloud_without_presence(stage: Stage) -> None:
    change(stage, "[microsoft]", '[microsoft]\n            cloud = "china"')


@case
async def a_client_id_that_was_never_filled_in(stage: Stage) -> None:
    change(stage, stage.home.app.client_id, "00000000-0000-0000-0000-000000000000")


@case
async def a_domain_that_does_not_exist(stage: Stage) -> None:
    await login(stage)
    change(stage, f'tenant = "{stage.home.tenant.domain}"', 'tenant = "contosso.com"')


@case
async def a_proxy_that_looks_into_connections(stage: Stage) -> None:
    folder = stage.folder / "other"
    folder.mkdir()
    other = make_certificate(folder)
    change(stage, str(stage.microsoft.ca_file), str(other.ca_file))


@case
async def a_broker_that_is_not_there(stage: Stage) -> None:
    await login(stage)
    change(stage, f"port = {stage.broker.port}", f"port = {free_port()}")


@case
async def a_broker_that_wants_a_password(stage: Stage) -> None:
    await login(stage)
    folder = stage.folder / "strict"
    folder.mkdir()
    async with running(folder, extra="allow_anonymous false") as strict:
        change(stage, f"port = {stage.broker.port}", f"port = {strict.port}")
        await tell(stage, "a broker that wants a password")


@case
async def nobody_signed_in(_: Stage) -> None:
    pass


@case
async def a_sign_in_that_was_revoked(stage: Stage) -> None:
    await login(stage)
    stage.microsoft.revoke(stage.home.person)


@case
async def a_policy_against_device_codes(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.tenant.device_code_blocked = True


@case
async def consent_that_an_admin_must_give(stage: Stage) -> None:
    await refreshes(stage)
    stage.home.person.refused_with = 90094


@case
async def a_permission_or_licence_that_is_missing(stage: Stage) -> None:
    await login(stage)
    stage.microsoft.faults.add(Fault("me.presence", status=403))


@case
async def a_key_file_that_is_gone(stage: Stage) -> None:
    stage.configure('[security]\nkey_file = "secrets/token_key"')


@case
async def tokens_that_were_encrypted_with_another_key(stage: Stage) -> None:
    for letter in (b"a", b"b"):
        (stage.folder / letter.decode()).write_bytes(base64.b64encode(letter * 32))
    stage.configure('[security]\nkey_file = "a"')
    await login(stage)
    stage.configure('[security]\nkey_file = "b"')


@case
async def an_app_without_a_certificate(stage: Stage) -> None:
    change(stage, 'name = "Alice"', 'sign_in = "app"\n            user = "alice@contoso.com"')


async def tell(stage: Stage, name: str) -> None:
    """Run the doctor; what it finds must stand in the docs, word for word."""
    told = await stage.command("bridge", "doctor")
    assert told.returncode == 1, told.stdout
    assert "Traceback" not in told.stderr
    lines = told.stdout.splitlines()
    bad = [line for line in lines if not line.startswith("ok ")]
    text = "\n".join(bad).replace(str(stage.folder), "/etc/presence-bridge")
    text = re.sub(r"127\.0\.0\.1:\d+", "localhost:1883", text)
    text = re.sub(r"https://localhost:\d+", "https://login.microsoftonline.com", text)
    expected = f"{name[:1].upper()}{name[1:]}:\n\n```text\n{text}\n```\n"
    assert expected in DOCS.read_text(encoding="utf-8"), expected


@pytest.mark.parametrize("name", CASES)
async def test_the_doctor_names_the_fault_and_the_cure(stage: Stage, name: str) -> None:
    await CASES[name](stage)
    if name != "a broker that wants a password":  # that broker is gone by now
        await tell(stage, name)


async def test_a_sound_set_up_has_no_finding(stage: Stage) -> None:
    await login(stage)
    told = await stage.command("bridge", "doctor")
    assert (told.returncode, told.stderr) == (0, "")
    assert all(line.startswith("ok ") for line in told.stdout.splitlines())
    assert "stored sign-in is not encrypted; only this user may read it" in told.stdout
