"""Signing in by device code, from nothing to signed in, and every way it can end."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.commands import accounts, login
from bridge.config import state_dir
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import SignInNeededError
from bridge.microsoft.sign_in.browser import LIFETIME_S
from bridge.microsoft.sign_in.remedies import ADMIN, OWNER, YOU
from bridge.service.service import Service
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person
from tests.fakes.microsoft.faults import Cut, Fault, Nonsense
from tests.fakes.mosquitto import running
from tests.fakes.subscriber import subscriber
from tests.integration.microsoft.conftest import Bridge, Start
from tests.integration.microsoft.office import Office

PENDING, SIGNED_IN = SignInState.CODE_PENDING, SignInState.SIGNED_IN
EXPIRED, ERROR = SignInState.EXPIRED, SignInState.ERROR


async def test_nobody_is_signed_in_at_first_and_a_code_is_offered_by_itself(
    bridge: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    assert bridge.account.sign_in.value == SignIn()
    with pytest.raises(SignInNeededError, match=r"Nobody is signed in\. Sign in\."):
        await bridge.account.read()
    assert (await bridge.until(PENDING)).user_code
    with pytest.raises(SignInNeededError):
        await bridge.account.read()
    await bridge.clock.until_asleep()
    assert microsoft.requests.count("devicecode") == 1


async def test_one_look_asks_nobody(bridge: Bridge, microsoft: ScriptedMicrosoft) -> None:
    look = bridge.microsoft.account("alice")
    with pytest.raises(SignInNeededError):
        await look.read_once()
    assert len(microsoft.requests) == 0


async def test_a_person_enters_the_code_and_the_presence_can_be_read(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    clock: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bridge")
    code = await bridge.code()
    shown = bridge.account.sign_in.value
    assert shown.verification_uri == f"{microsoft.login_url}/device"
    assert shown.expires_at == clock.now() + timedelta(seconds=900)
    assert code in caplog.text
    assert f"{microsoft.login_url}/device" in caplog.text

    microsoft.approve(code, alice)
    await bridge.poll()
    await bridge.until(SIGNED_IN)
    assert caplog.messages[-1] == "alice is signed in"
    presence = (await bridge.account.read())["alice"]
    assert presence.availability == "available"


async def test_it_polls_at_the_interval_of_the_server(
    bridge: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    microsoft.codes.interval_s = 7
    await bridge.code()
    for _ in range(3):
        assert clock.next_wake_s == 7
        await bridge.poll(7)
        await clock.until_asleep()
    assert [entry.at_s for entry in microsoft.requests.of("token.device_code")] == [7, 14, 21]


async def test_it_slows_down_by_five_seconds_when_asked_to(
    bridge: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    slow_down = b'{"error": "slow_down", "error_description": "Too often."}'
    code = await bridge.code()
    for interval in (5, 10, 15):
        assert clock.next_wake_s == interval
        microsoft.faults.add(Fault("token.device_code", status=400, body=slow_down))
        await bridge.poll(interval)
        await clock.until_asleep()
    assert clock.next_wake_s == 20
    microsoft.approve(code, alice)
    await bridge.poll(20)
    await bridge.until(SIGNED_IN)


async def test_a_declined_code_is_reported_and_not_replaced(
    bridge: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.decline(await bridge.code())
    await bridge.poll()
    ended = await bridge.until(EXPIRED)
    assert (ended.message, ended.remedy, ended.who) == (
        "The sign-in was declined.",
        "Sign in again and accept.",
        YOU,
    )
    assert ended.correlation_id == microsoft.requests.of("token.device_code")[-1].headers.get(
        "client-request-id"
    )
    await no_new_code(bridge, microsoft)
    await bridge.sign_in(alice)


async def test_an_expired_code_is_replaced_only_on_request(
    bridge: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    await bridge.code()
    microsoft.codes.expire_all()
    await bridge.poll()
    ended = await bridge.until(EXPIRED)
    assert "expired" in str(ended.message)
    assert "Start the sign-in again" in str(ended.remedy)
    assert ended.user_code is None
    await no_new_code(bridge, microsoft)
    await bridge.sign_in(alice)


async def test_a_code_ends_by_our_own_clock_when_the_server_never_says_so(
    bridge: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    microsoft.codes.expires_in_s = 12
    microsoft.faults.add(Fault("token.device_code", times=None, status=503))
    await bridge.code()
    await bridge.poll()
    await clock.until_asleep()
    await clock.advance(10)
    assert "expired" in str((await bridge.until(EXPIRED)).message)


async def test_a_second_request_does_not_replace_a_code_that_is_shown(
    bridge: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    code = await bridge.code()
    assert await bridge.code() == code
    microsoft.approve(code, alice)
    await bridge.poll()
    await bridge.until(SIGNED_IN)
    await no_new_code(bridge, microsoft)


async def test_an_end_of_the_bridge_ends_a_sign_in_at_once(
    start: Start, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    async with start() as running:
        await running.code()
    polls = microsoft.requests.count("token.device_code")
    await clock.advance(60)
    assert microsoft.requests.count("token.device_code") == polls


async def test_a_sign_out_takes_the_code_back(
    bridge: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    code = await bridge.code()
    await bridge.account.credentials.sign_out()
    assert bridge.account.sign_in.value.state is SignInState.SIGNED_OUT
    microsoft.approve(code, alice)
    await clock.advance(60)
    assert microsoft.requests.count("token.device_code") == 0
    assert await bridge.code() != code


async def test_a_code_that_takes_long_to_enter_is_kept_over_a_restart(
    start: Start, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    async with start() as running:
        code = await running.code()
        with pytest.raises(SignInNeededError):
            await running.account.read()  # as the poller does meanwhile
        microsoft.approve(code, alice)
        await running.poll()
        await running.until(SIGNED_IN)
    async with start() as again:
        assert "alice" in await again.account.read()


async def test_a_sign_in_that_fails_does_not_end_the_one_that_stands(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.decline(await alices.code())
    assert "alice" in await alices.account.read()
    assert alices.account.sign_in.value.waits
    await alices.poll()
    kept = await alices.until_signed_in()
    assert kept.message == "The sign-in was declined."
    assert "alice" in await alices.account.read()


async def test_somebody_else_who_signs_in_and_is_kept_takes_the_place(
    start: Start, alices: Bridge, microsoft: ScriptedMicrosoft, home: Household
) -> None:
    bob = home.directory.add_person(home.tenant, "bob@contoso.com")
    home.directory.change(bob, "Away")
    microsoft.approve(await alices.code(), bob)
    await alices.poll()
    await alices.until_signed_in()
    assert (await alices.account.read())["alice"].availability == "available"
    await alices.account.credentials.keep()
    for refresh in (False, True):
        token = await alices.account.credentials.token(refresh=refresh)
        assert (known := microsoft.tokens.access(token))
        assert known.oid == bob.oid
    assert (await alices.account.read())["alice"].availability == "away"
    async with start() as again:
        assert (await again.account.read())["alice"].availability == "away"


async def no_new_code(bridge: Bridge, microsoft: ScriptedMicrosoft) -> None:
    codes = microsoft.requests.count("devicecode")
    await bridge.clock.advance(3600)
    assert microsoft.requests.count("devicecode") == codes
    assert bridge.clock.sleepers == 0


# What somebody must change first. Afterwards a new request works, without a restart.


async def test_an_unknown_tenant_is_reported_and_works_once_it_exists(
    config: Config, home: Household, microsoft: ScriptedMicrosoft, start: Start, alice: Person
) -> None:
    del home.directory._tenants[home.tenant.domain]
    async with start() as running:
        running.account.credentials.request()
        told = await running.until(ERROR)
        assert "AADSTS90002" in str(told.message)
        assert (told.remedy, told.who) == ("Check tenant and cloud in the config.", YOU)
        await no_new_code(running, microsoft)
        home.directory._tenants[home.tenant.domain] = home.tenant
        await running.sign_in(alice)


async def test_the_same_trouble_is_reported_on_request(
    bridge: Bridge, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    del home.directory._tenants[home.tenant.domain]
    for times in (1, 2):
        bridge.account.credentials.request()
        assert bridge.account.sign_in.value.message is None
        async with asyncio.timeout(10):
            async for sign_in in bridge.account.sign_in.watch():
                if sign_in.message:
                    break
        assert caplog.text.count("AADSTS90002") == times


async def test_a_wrong_client_id_is_reported_and_works_once_it_exists(
    bridge: Bridge, microsoft: ScriptedMicrosoft, home: Household, alice: Person
) -> None:
    del home.directory._apps[home.app.client_id]
    bridge.account.credentials.request()
    told = await bridge.until(ERROR)
    assert "AADSTS700016" in str(told.message)
    assert "client_id" in str(told.remedy)
    assert told.who == OWNER
    assert told.correlation_id
    await no_new_code(bridge, microsoft)
    home.directory._apps[home.app.client_id] = home.app
    await bridge.sign_in(alice)


async def ends_in_the_browser_too(bridge: Bridge) -> None:
    """The browser is tried by itself, and nobody comes back from it."""
    async with asyncio.timeout(10):
        async for now in bridge.account.sign_in.watch():
            if now.waits and now.user_code is None:
                break
    await bridge.clock.until_asleep()
    await bridge.clock.advance(LIFETIME_S)


async def test_public_client_flows_that_are_off_are_reported_and_work_once_on(
    bridge: Bridge, microsoft: ScriptedMicrosoft, app: App, alice: Person
) -> None:
    app.public_client = False
    microsoft.approve(await bridge.code(), alice)
    await bridge.poll()
    await ends_in_the_browser_too(bridge)
    told = await bridge.until(ERROR)
    assert "AADSTS7000218" in str(told.message)
    assert '"Allow public client flows" to Yes' in str(told.remedy)
    assert told.who == OWNER
    await no_new_code(bridge, microsoft)
    app.public_client = True
    await bridge.sign_in(alice)


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        (65001, (EXPIRED, YOU, "consent")),
        (90094, (ERROR, ADMIN, "grant admin consent")),
        (53003, (ERROR, ADMIN, "exception")),
        (50105, (ERROR, ADMIN, "assign")),
    ],
)
async def test_missing_consent_and_policies_are_reported_and_work_once_mended(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    code: int,
    ending: tuple[SignInState, str, str],
) -> None:
    state_dir, who, words = ending
    alice.refused_with = code
    microsoft.approve(await bridge.code(), alice)
    await bridge.poll()
    if code == 53003:
        await ends_in_the_browser_too(bridge)
    told = await bridge.until(state_dir)
    assert f"AADSTS{code}" in str(told.message)
    assert words in str(told.remedy)
    assert told.who == who
    await no_new_code(bridge, microsoft)
    alice.refused_with = None
    await bridge.sign_in(alice)


# What passes by itself.


@pytest.mark.parametrize(
    "fault",
    [
        Fault("discovery", status=503),
        Fault("devicecode", status=500),
        Fault("devicecode", aadsts=90033),
        Fault("devicecode", status=429, retry_after=120),
        Fault("devicecode", cut=Cut.BEFORE_HEADERS),
        *(Fault("devicecode", nonsense=kind) for kind in Nonsense),
        Fault("discovery", nonsense=Nonsense.HTML),
        Fault("discovery", nonsense=Nonsense.ARRAY),
        Fault("devicecode", body=b'{"user_code": "ABC", "device_code": "D"}'),
    ],
    ids=lambda fault: f"{fault.endpoint}-{fault.nonsense or fault.aadsts or fault.status}",
)
async def test_a_sign_in_that_could_not_begin_begins_by_itself(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    alice: Person,
    fault: Fault,
) -> None:
    microsoft.codes.interval_s = 7
    microsoft.faults.add(fault)
    bridge.account.credentials.request()
    await clock.until_asleep()
    told = bridge.account.sign_in.value
    assert str(told.message).startswith("Microsoft's sign-in ")
    assert str(told.message).endswith(". It is tried again.")
    assert told == SignIn(message=told.message)
    rest_s = fault.retry_after or 5
    assert clock.next_wake_s == rest_s
    await clock.advance(float(rest_s))
    microsoft.approve(await bridge.code(), alice)
    await bridge.poll(7)
    await bridge.until(SIGNED_IN)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("token.*", status=503),
        Fault("token.*", aadsts=90033),
        Fault("token.*", status=429, retry_after=120),
        Fault("token.*", cut=Cut.IN_BODY),
        *(Fault("token.*", nonsense=kind) for kind in Nonsense),
    ],
    ids=lambda fault: str(fault.nonsense or fault.cut or fault.aadsts or fault.status),
)
async def test_a_code_outlives_a_poll_that_failed_and_polls_get_rarer(
    bridge: Bridge,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    alice: Person,
    fault: Fault,
) -> None:
    microsoft.faults.add(fault)
    code = await bridge.code()
    await bridge.poll()
    await clock.until_asleep()
    assert bridge.account.sign_in.value.user_code == code
    rest_s = float(fault.retry_after or 10)
    assert clock.next_wake_s == rest_s
    microsoft.approve(code, alice)
    await bridge.poll(rest_s)
    await bridge.until(SIGNED_IN)


# The command.


async def test_the_login_command_says_what_is_wrong_and_ends(
    config: Config, app: App, microsoft: ScriptedMicrosoft, capsys: pytest.CaptureFixture[str]
) -> None:
    microsoft.faults.add(
        Fault("devicecode", status=400, body=b'{"error": "invalid_request"}'),
        Fault("devicecode", aadsts=700016),
    )
    for words in ("Sign in again", "client_id"):
        async with asyncio.timeout(20):
            assert await login.login(config, "alice") == FAILED
        assert words in capsys.readouterr().out


async def test_the_login_command_goes_on_when_microsoft_comes_back(
    config: Config,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    alice: Person,
    capsys: pytest.CaptureFixture[str],
) -> None:
    microsoft.auto_approve(alice)
    microsoft.faults.add(Fault("discovery", cut=Cut.BEFORE_HEADERS, times=2))
    signing_in = asyncio.create_task(login.login(config, "alice", clock=clock))
    async with asyncio.timeout(10):
        while not signing_in.done():
            await clock.advance(5)
            await asyncio.sleep(0.01)
    assert signing_in.result() == OK
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("alice: Microsoft's sign-in cannot be reached: the connection broke")
    assert said[0].endswith("It is tried again.")
    assert "enter the code" in said[1]
    assert said[2:] == ["alice: the account is alice@contoso.com", "alice is signed in."]


async def test_the_login_command_renews_a_sign_in_that_stands(
    start: Start, config: Config, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    microsoft.auto_approve(alice)
    signing_in = asyncio.create_task(login.login(config, "alice", clock=clock))
    async with asyncio.timeout(10):
        while not signing_in.done():
            await clock.advance(5)
            await asyncio.sleep(0.01)
    assert signing_in.result() == OK
    assert microsoft.requests.count("devicecode") == 2


@pytest.mark.broker
async def test_the_login_command_of_a_table_follows_the_tables_own_topic(
    config: Config, tmp_path: Path, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    auth = "presence/table/team/auth"
    waiting = {"state": "signed_in", "user_code": "ABC", "verification_uri": "https://m/device"}
    async with running(tmp_path) as broker, subscriber(broker.port) as mqtt:
        served = Config.model_validate(
            config.model_dump()
            | {
                "mqtt": {"host": "127.0.0.1", "port": broker.port},
                "accounts": {"team": {"watch": [alice.upn, "bob@contoso.com"]}},
            }
        )
        with state_dir.locked(served.state_dir):
            asked = asyncio.create_task(login.login(served, "team"))
            request = await mqtt.until("presence/bridge/request/signin")
            assert request.json["account"] == "team"
            answer = {"status": "ok", "transaction": request.json["transaction"]}
            await mqtt.publish(auth, json.dumps(waiting), retain=True)
            await mqtt.publish(auth, json.dumps({"state": "signed_in"}), retain=True)
            await mqtt.publish("presence/bridge/response/signin", json.dumps(answer))
            assert await asked == OK

            asked = asyncio.create_task(accounts.logout(served, "team"))
            request = await mqtt.until("presence/bridge/request/signout")
            assert request.json["account"] == "team"
            answer["transaction"] = request.json["transaction"]
            await mqtt.publish("presence/bridge/response/signout", json.dumps(answer))
            assert await asked == OK
    assert capsys.readouterr().out.splitlines() == [
        "team: open https://m/device and enter the code ABC",
        "team is signed in.",
        "team is signed out.",
    ]


@pytest.mark.broker
async def test_a_table_of_several_people_is_signed_in_and_out_while_the_service_runs(
    config: Config,
    microsoft: ScriptedMicrosoft,
    home: Household,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bob = home.directory.add_person(home.tenant, "bob@contoso.com")
    microsoft.codes.interval_s = 1
    microsoft.faults.add(Fault("devicecode", aadsts=700016))  # of the code that nobody asked for
    async with running(tmp_path) as broker, subscriber(broker.port) as mqtt:
        served = Config.model_validate(
            config.model_dump()
            | {
                "mqtt": {"host": "127.0.0.1", "port": broker.port},
                "accounts": {"team": {"watch": [home.person.oid, bob.oid]}},
            }
        )
        with state_dir.locked(served.state_dir):
            service = Service(served)
            serving = asyncio.create_task(service.run(), name="service")
            await mqtt.until("presence/table/team/auth", lambda h: h.json["state"] == "error")
            microsoft.auto_approve(home.person)
            assert await login.login(served, "team") == OK
            said = capsys.readouterr().out.splitlines()
            assert said[0].startswith(f"team: open {microsoft.login_url}/device and enter")
            assert said[1:] == ["team: the account is alice@contoso.com", "team is signed in."]
            assert await accounts.logout(served, "team") == OK
            await mqtt.until("presence/table/team/auth", lambda h: h.json["state"] == "signed_out")
            service.stop()
            await serving


async def test_the_login_command_of_an_app_tries_its_certificate(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    config = office.config({"office": {"sign_in": "app", "user": office.home.person.oid}})
    assert await login.login(config, "office") == OK
    office.home.app.certificates.clear()
    assert await login.login(config, "office") == FAILED
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "office is signed in."
    assert "Upload the certificate" in said[1]
    office.simulated.faults.add(Fault("token.client_credentials", aadsts=65001))
    assert await login.login(config, "office") == FAILED
    assert "Subject: Please consent to the app Presence Bridge" in capsys.readouterr().out


@pytest.mark.broker
async def test_the_login_command_lets_a_running_service_do_it_and_says_what_follows(
    config: Config,
    microsoft: ScriptedMicrosoft,
    tmp_path: Path,
    alice: Person,
    capsys: pytest.CaptureFixture[str],
) -> None:
    microsoft.codes.interval_s = 1
    microsoft.auto_approve(alice)
    async with running(tmp_path) as broker, subscriber(broker.port) as mqtt:
        mqtt_settings = {"host": "127.0.0.1", "port": broker.port}
        served = Config.model_validate({**config.model_dump(), "mqtt": mqtt_settings})
        microsoft.faults.add(Fault("devicecode", aadsts=700016), Fault("devicecode", aadsts=90094))
        with state_dir.locked(served.state_dir):
            service = Service(served)
            serving = asyncio.create_task(service.run(), name="service")
            await mqtt.until("presence/account/alice/auth", lambda h: h.json["state"] == "error")

            assert await login.login(served, None) == FAILED
            out = capsys.readouterr().out
            assert "admin consent" in out
            assert "Check client_id" not in out

            assert await login.login(served, None) == OK
            said = capsys.readouterr().out.splitlines()
            assert said[0].startswith(f"alice: open {microsoft.login_url}/device and enter")
            assert said[1:] == ["alice: the account is alice@contoso.com", "alice is signed in."]

            assert await accounts.logout(served, "alice") == OK
            await mqtt.until_text("presence/account/alice/availability", "offline")
            service.stop()
            await serving


async def test_the_logout_command_forgets(
    start: Start, config: Config, alice: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    assert await accounts.logout(config, "alice") == OK
    assert capsys.readouterr().out == "alice is signed out.\n"
    assert not (config.state_dir / "tokens" / "alice.json").exists()
    async with start() as again:
        with pytest.raises(SignInNeededError):
            await again.account.read()
