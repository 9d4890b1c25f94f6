"""From Microsoft to the lamp, with the programs as processes and each of them killed once."""

from __future__ import annotations

import json
import signal

import pytest

from tests.e2e.conftest import Stage
from tests.fakes.forks import Program
from tests.fakes.microsoft.faults import Fault
from tests.fakes.subscriber import subscriber

STATE = "presence/account/alice/state"
LAMP = "presence/driver/lamp/light/state"
RULE = "presence/driver/lamp/light/rule"
DRIVER = '[drivers.lamp]\nkind = "console"\nfollow = ["alice"]\ngrace = 0\n'


async def signed_in(stage: Stage) -> Program:
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    return bridge


async def test_somebody_signs_in_once_and_the_presence_is_on_the_broker(stage: Stage) -> None:
    stage.microsoft.auto_approve(None)
    bridge = stage.start("bridge", "run")
    pending = await stage.mqtt.until(
        "presence/account/alice/auth", lambda h: h.json["state"] == "device_code_pending"
    )
    code, address = pending.json["user_code"], pending.json["verification_uri"]
    assert code in stage.log(bridge)
    assert address in stage.log(bridge)

    stage.microsoft.approve(code, stage.home.person)
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    assert stage.mqtt.last[STATE].json["availability"] == "available"

    stage.be("Busy", "InACall", status_message="back at 3")
    called = await stage.mqtt.until(STATE, lambda h: h.json["activity"] == "in_a_call")
    assert (called.json["busy"], called.json["in_call"]) == ("ON", "ON")
    assert called.json["status_message"] == "back at 3"
    event = await stage.mqtt.until("presence/account/alice/event")
    assert event.json["event_type"] == "call_started"
    assert not event.retain


async def test_a_second_start_needs_no_sign_in(stage: Stage) -> None:
    stage.stop(await signed_in(stage))
    stage.microsoft.auto_approve(None)
    asked = stage.microsoft.requests.count("devicecode")
    since = len(stage.mqtt.heard)
    stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online", since=since)
    assert stage.microsoft.requests.count("devicecode") == asked


async def test_a_clean_stop_says_goodbye_and_exits_with_zero(stage: Stage) -> None:
    bridge = await signed_in(stage)
    since = len(stage.mqtt.heard)
    assert stage.stop(bridge) == 0
    await stage.mqtt.until_text("presence/bridge/state", "offline", since=since)
    said = [heard.topic for heard in stage.mqtt.heard[since:] if heard.text == "offline"]
    assert said.index("presence/account/alice/availability") < said.index("presence/bridge/state")
    assert "Traceback" not in stage.log(bridge)


async def test_an_interrupt_exits_with_130(stage: Stage) -> None:
    assert stage.stop(await signed_in(stage), signal.SIGINT) == 130


async def test_home_assistant_gets_discovery_after_its_birth(stage: Stage) -> None:
    await signed_in(stage)
    config = stage.mqtt.last["homeassistant/device/presence_account_alice/config"].json
    assert config["device"]["name"] == "Teams Alice"
    since = len(stage.mqtt.heard)
    await stage.mqtt.publish("homeassistant/status", "online")
    await stage.mqtt.until("homeassistant/device/presence_bridge/config", since=since)
    await stage.mqtt.until(STATE, since=since)


@pytest.mark.parametrize("victim", ["driver", "bridge", "broker"])
async def test_whoever_is_killed_recovers_without_help(stage: Stage, victim: str) -> None:
    stage.configure(DRIVER)
    bridge = await signed_in(stage)
    driver = stage.start("drivers", "lamp")
    stage.be("Busy", "InACall")
    await stage.mqtt.until(RULE, lambda h: h.json["rule"] == "activity in_a_call")
    since = len(stage.mqtt.heard)

    if victim == "broker":
        stage.broker.stop(signal.SIGKILL)
        await stage.broker.start()
        await _until_published(stage, "in_a_call")
        await stage.until_logged(bridge, "connected to broker", times=2)
        assert stage.log(bridge).count("cannot be reached") == 1
        return
    if victim == "bridge":
        stage.stop(bridge, signal.SIGKILL)
        await stage.mqtt.until_text("presence/bridge/state", "offline", since=since)
        await stage.mqtt.until(RULE, lambda h: h.json["rule"] == "the bridge is gone", since=since)
        stage.start("bridge", "run")
    else:
        stage.stop(driver, signal.SIGKILL)
        await stage.mqtt.until_text("presence/driver/lamp/state", "offline", since=since)
        stage.start("drivers", "lamp")
        await stage.mqtt.until_text("presence/driver/lamp/state", "online", since=since)
    stage.be("DoNotDisturb", "Presenting")
    await stage.mqtt.until(RULE, lambda h: h.json["rule"] == "activity presenting", since=since)


async def _until_published(stage: Stage, activity: str) -> None:
    """Wait until a fresh subscriber finds the bridge online and the presence stored."""
    async with subscriber(stage.broker.port, topic="presence/#") as fresh:
        await fresh.until(STATE, lambda h: h.json["activity"] == activity, deadline_s=30)
        await fresh.until("presence/bridge/state", lambda h: h.text == "online")


async def test_the_lamp_is_a_light_in_home_assistant(stage: Stage) -> None:
    stage.configure(DRIVER)
    await signed_in(stage)
    stage.start("drivers", "lamp")
    await stage.mqtt.until(LAMP, lambda h: h.json["color"] == {"r": 0, "g": 255, "b": 0})
    await stage.mqtt.publish(
        "presence/driver/lamp/light/set", '{"state":"ON","color":{"r":1,"g":2,"b":3}}'
    )
    manual = await stage.mqtt.until(LAMP, lambda h: h.json["color"]["b"] == 3)
    assert manual.json["effect"] == "off"
    stage.be("Busy", "InACall")
    await stage.mqtt.until(RULE, lambda h: h.json["rule"] == "activity in_a_call")
    assert stage.mqtt.last[LAMP].json["color"]["b"] == 3
    await stage.mqtt.publish("presence/driver/lamp/light/set", '{"state":"ON","effect":"presence"}')
    await stage.mqtt.until(LAMP, lambda h: h.json["color"] == {"r": 255, "g": 0, "b": 0})


async def test_a_revoked_sign_in_is_reported_with_its_remedy_and_healed_by_a_button(
    stage: Stage,
) -> None:
    bridge = await signed_in(stage)
    stage.microsoft.auto_approve(None)
    stage.microsoft.revoke(stage.home.person)
    expired = await stage.mqtt.until(
        "presence/account/alice/auth", lambda h: h.json["state"] == "expired"
    )
    assert "Sign in again" in expired.json["remedy"]
    assert expired.json["correlation_id"]
    await stage.mqtt.until_text("presence/account/alice/availability", "offline")
    since = len(stage.mqtt.heard)
    stage.microsoft.auto_approve(stage.home.person)
    await stage.mqtt.publish("presence/bridge/request/signin", '{"account":"alice"}')
    await stage.mqtt.until_text("presence/account/alice/availability", "online", since=since)
    assert stage.log(bridge).count("presence is back") == 2


async def test_a_throttle_is_respected_and_shown(stage: Stage) -> None:
    await signed_in(stage)
    stage.microsoft.faults.add(Fault("graph", status=429, retry_after=600))
    await stage.microsoft.requests.until("graph", 1, where=lambda r: r.status == 429)
    asked = stage.microsoft.requests.count("graph")
    health = await stage.mqtt.until(
        "presence/bridge/health", lambda h: h.json["throttled_until"] is not None
    )
    assert health.json["healthy"] is False
    assert "wait" in health.json["reason"]
    await stage.mqtt.publish("presence/bridge/request/poll", "{}")
    await stage.mqtt.until("presence/bridge/response/poll")
    assert stage.microsoft.requests.count("graph") == asked


async def test_what_is_wrong_with_a_request_is_answered_and_nothing_else_happens(
    stage: Stage,
) -> None:
    bridge = await signed_in(stage)
    wrong = {
        "poll": (b"\xff\xfe", "not JSON"),
        "signin": (b'{"account":"nobody"}', "account must be one of: alice"),
        "log_level": (b'{"level":"loud"}', "level must be one of"),
        "dance": (b"{}", "unknown command"),
        "signout": (b"x" * 200_000, "at most 65536 bytes"),
    }
    for command, (payload, text) in wrong.items():
        await stage.mqtt.publish(f"presence/bridge/request/{command}", payload)
        answer = await stage.mqtt.until(f"presence/bridge/response/{command}")
        assert answer.json["status"] == "error"
        assert text in answer.json["error"]
    assert bridge.poll() is None
    await stage.mqtt.publish("presence/bridge/request/health_check", '{"transaction":7}')
    healthy = await stage.mqtt.until("presence/bridge/response/health_check")
    assert healthy.json["transaction"] == 7
    assert healthy.json["data"]["healthy"] is True


async def test_restart_by_request_stays_in_the_same_process(stage: Stage) -> None:
    bridge = await signed_in(stage)
    since = len(stage.mqtt.heard)
    await stage.mqtt.publish("presence/bridge/request/restart", "{}")
    await stage.mqtt.until_text("presence/bridge/state", "offline", since=since)
    await stage.mqtt.until_text("presence/account/alice/availability", "online", since=since)
    assert bridge.poll() is None
    assert "restarting" in stage.log(bridge)
    states = [heard for heard in stage.mqtt.heard[since:] if heard.topic == STATE]
    assert all(heard.json["availability"] for heard in states), "nothing unknown in between"


async def test_a_signal_during_a_restart_is_not_lost(stage: Stage) -> None:
    bridge = await signed_in(stage)
    since = len(stage.mqtt.heard)
    await stage.mqtt.publish("presence/bridge/request/restart", "{}")
    await stage.mqtt.until_text("presence/bridge/state", "offline", since=since)
    assert stage.stop(bridge) == 0
    assert "Traceback" not in stage.log(bridge)


async def test_a_second_bridge_on_the_same_state_is_refused(stage: Stage) -> None:
    await signed_in(stage)
    second = await stage.command("bridge", "run")
    assert second.returncode == 2
    assert "used by another running bridge" in second.stderr


async def test_a_broken_token_cache_is_set_aside(stage: Stage) -> None:
    stage.stop(await signed_in(stage))
    cache = stage.folder / "state" / "tokens" / "alice.json"
    assert cache.stat().st_mode & 0o777 == 0o600
    json.loads(cache.read_text(encoding="utf-8"))
    cache.write_text("{ half", encoding="utf-8")
    since = len(stage.mqtt.heard)
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online", since=since)
    assert "set aside" in stage.log(bridge)
    assert cache.with_suffix(".broken").exists()


async def test_no_token_reaches_the_log_or_the_broker(stage: Stage) -> None:
    bridge = stage.start("bridge", "run", "--log-level", "debug")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    stage.stop(bridge)
    cache = json.loads((stage.folder / "state/tokens/alice.json").read_text(encoding="utf-8"))
    secrets = [
        entry["secret"]
        for kind in ("AccessToken", "RefreshToken", "IdToken")
        for entry in cache[kind].values()
    ]
    assert len(secrets) == 3
    public = stage.log(bridge) + "".join(repr(heard.payload) for heard in stage.mqtt.heard)
    assert not [secret for secret in secrets if secret in public]


async def test_commands_work_beside_and_without_the_service(stage: Stage) -> None:
    alone = await stage.command("bridge", "login")
    assert alone.returncode == 0, alone.stderr
    assert "alice is signed in." in alone.stdout
    doctor = await stage.command("bridge", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "Graph says available" in doctor.stdout

    await signed_in(stage)
    beside = await stage.command("bridge", "login", "alice")
    assert beside.returncode == 0, beside.stderr
    table = await stage.command("bridge", "accounts")
    assert "available/available" in table.stdout
    assert (await stage.command("bridge", "doctor")).returncode == 0
    assert (await stage.command("bridge", "logout", "alice")).returncode == 0
    await stage.mqtt.until("presence/account/alice/auth", lambda h: h.json["state"] == "signed_out")
