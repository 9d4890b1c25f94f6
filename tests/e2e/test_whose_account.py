"""Whose account it is, through the doors of a running bridge: the broker and the shell."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE

from tests.e2e.conftest import STOP_S, Stage

AUTH, LAMPS = "presence/account/alice/auth", "presence/account/alice/sign_in"
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"


async def test_who_is_signed_in_is_seen_asked_about_and_kept(stage: Stage) -> None:
    bob = stage.home.directory.add_person(stage.home.tenant, BOB)
    stage.start("bridge", "run")
    await stage.mqtt.until(AUTH, lambda h: h.json.get("signed_in_as") == ALICE)
    shown = await stage.command("bridge", "accounts")
    assert (shown.returncode, shown.stderr) == (0, "")
    head, row = shown.stdout.splitlines()
    assert head.endswith("SIGNED IN AS")
    assert row.endswith(ALICE)

    stage.microsoft.auto_approve(bob)
    await stage.mqtt.publish("presence/bridge/request/signin", '{"account": "alice"}')
    asked = await stage.mqtt.until(AUTH, lambda h: h.json.get("newcomer") == BOB)
    assert (asked.json["state"], asked.json["signed_in_as"]) == ("signed_in", ALICE)
    assert f"so far {ALICE} was signed in for Alice." in asked.json["message"]
    await stage.mqtt.publish("presence/bridge/request/signin_keep", '{"account": "alice"}')
    await stage.mqtt.until(AUTH, lambda h: h.json.get("signed_in_as") == BOB)
    assert {h.text for h in stage.mqtt.heard if h.topic == LAMPS} <= {"signed_in", "needed"}
    shown = await stage.command("bridge", "accounts")
    assert shown.stdout.splitlines()[1].endswith(BOB)


async def test_login_begins_the_browser_by_itself_where_codes_are_blocked(stage: Stage) -> None:
    stage.home.tenant.device_code_blocked = True
    stage.microsoft.auto_approve(stage.home.person)
    login = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "login", "alice", "--config", str(stage.config)),
        stdin=DEVNULL,
        stdout=PIPE,
        env={**os.environ, "HOME": str(stage.folder), "SSH_CONNECTION": "192.0.2.1 5 192.0.2.2 22"},
    )
    assert login.stdout is not None
    try:
        async with asyncio.timeout(STOP_S):
            said = await login.stdout.readuntil(b"paste it here")
    finally:
        login.kill()
        await login.communicate()
    told = said.decode()
    assert "(AADSTS53003). Sign in with a browser instead." in told
    assert "Subject: Please let me sign in to the app Presence Bridge" in told
    assert "/oauth2/v2.0/authorize?" in told


async def test_at_a_terminal_the_question_is_answered_with_a_letter(stage: Stage) -> None:
    bob = stage.home.directory.add_person(stage.home.tenant, BOB, name="Bob")
    stage.microsoft.auto_approve(bob)
    ours, theirs = os.openpty()
    login = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "login", "alice", "--config", str(stage.config)),
        stdin=theirs,
        stdout=PIPE,
        env={**os.environ, "HOME": str(stage.folder)},
    )
    os.close(theirs)
    assert login.stdout is not None
    try:
        async with asyncio.timeout(STOP_S):
            said = await login.stdout.readuntil(b"s to sign in again.\n")
            assert f"That is Bob ({BOB}), signed in for Alice." in said.decode()
            os.write(ours, b"k\n")
            rest = await login.stdout.read()
            code = await login.wait()
    finally:
        os.close(ours)
        if login.returncode is None:
            login.kill()
            await login.wait()
    assert (code, rest.decode()) == (0, f"alice: the account is {BOB}\nalice is signed in.\n")


async def test_the_consent_page_is_printed_with_a_message_that_no_pipe_gets(stage: Stage) -> None:
    printed = await stage.command("bridge", "consent-url")
    assert printed.stdout.count("\n") == 1
    assert printed.stdout.strip() in printed.stderr
    assert "Subject: Please consent to the app Presence Bridge" in printed.stderr
