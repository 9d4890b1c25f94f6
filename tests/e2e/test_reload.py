"""A changed config takes effect in the running service, and disturbs nobody else."""

import signal

from tests.e2e.conftest import Stage
from tests.fakes.subscriber import subscriber

BOB = """
[accounts.bob]
name = "Bob"
"""
BOB_CONFIG = "homeassistant/device/presence_account_bob/config"


async def test_accounts_come_and_go_with_the_config_file(stage: Stage) -> None:
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    since = len(stage.mqtt.heard)

    stage.configure(BOB)
    bridge.send_signal(signal.SIGHUP)
    config = await stage.mqtt.until(BOB_CONFIG, lambda h: bool(h.payload), since=since)
    assert config.json["device"]["name"] == "Teams Bob"
    await stage.mqtt.until_text("presence/account/bob/availability", "online", since=since)

    stage.configure()
    told = await stage.command("bridge", "reload")
    assert (told.returncode, told.stdout) == (0, "Done.\n")
    await stage.mqtt.until_text(BOB_CONFIG, "", since=since)
    await stage.mqtt.until_text("presence/account/bob/state", "", since=since)
    async with subscriber(stage.broker.port, topic="presence/account/#") as fresh:
        await fresh.until("presence/account/alice/state")
        assert not any("/bob/" in heard.topic for heard in fresh.heard)
    gone = [h for h in stage.mqtt.heard[since:] if h.topic.endswith("alice/availability")]
    assert gone == []


async def test_a_wrong_config_is_reported_and_the_old_one_goes_on(stage: Stage) -> None:
    bridge = stage.start("bridge", "run")
    await stage.mqtt.until_text("presence/account/alice/availability", "online")
    stage.configure('[accounts.bob]\nnmae = "Bob"\n')
    bridge.send_signal(signal.SIGHUP)
    await stage.until_logged(bridge, "accounts.bob.nmae: unknown; did you mean name?", times=1)
    stage.configure("[mqtt2]\n")
    told = await stage.command("bridge", "reload")
    assert told.returncode == 2
    stage.be("Away")
    since = len(stage.mqtt.heard)
    await stage.mqtt.until(
        "presence/account/alice/state", lambda h: h.json["availability"] == "away", since=since
    )
