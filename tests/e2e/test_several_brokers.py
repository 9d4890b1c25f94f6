"""Two brokers in ``mqtt.hosts``: one is killed, and all goes on at the other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import STOP_S, Stage
from tests.fakes.mosquitto import running
from tests.fakes.subscriber import subscriber

STATE = "presence/account/alice/state"
LAMP = "presence/driver/lamp/light/state"
DRIVER = '[drivers.lamp]\nkind = "console"\nfollow = ["alice"]\ngrace = 0\n'
BACK_S = 15.0


APART = ["unshare", "--map-root-user", "--mount", "--", "sh", "-c"]
"""With names of its own: what is mounted there is seen by nobody else."""
WITH_NAMES = 'mount --bind "$0" /etc/hosts && exec "$@"'
NAME = "brokers.test"


def folder(stage: Stage, name: str) -> Path:
    made = stage.folder / name
    made.mkdir()
    return made


async def test_when_one_of_two_brokers_is_killed_all_goes_on_at_the_other(stage: Stage) -> None:
    async with running(folder(stage, "first")) as first, running(folder(stage, "second")) as second:
        stage.configure(DRIVER)
        both = f'hosts = ["127.0.0.1:{first.port}", "127.0.0.1:{second.port}"]'
        text = stage.config.read_text(encoding="utf-8")
        one = re.compile(r'host = "127.0.0.1"\s+port = \d+')
        stage.config.write_text(one.sub(both, text), encoding="utf-8")
        async with subscriber(second.port) as there:
            bridge = stage.start("bridge", "run")
            lamp = stage.start("drivers", "lamp")
            async with subscriber(first.port) as here:
                await here.until(STATE, lambda h: h.json["availability"] == "available")
                await here.until(LAMP, lambda h: h.json["state"] == "ON")
            assert not there.heard, "the second one is for later"

            first.stop(signal.SIGKILL)
            lost_s = time.monotonic()
            await there.until_text("presence/bridge/state", "online")
            await there.until_text("presence/driver/lamp/state", "online")
            assert time.monotonic() - lost_s < BACK_S
            async with subscriber(second.port) as later:  # so it is retained there
                await later.until(STATE, lambda h: h.json["availability"] == "available")
                await later.until_text("presence/account/alice/availability", "online")
                await later.until("homeassistant/device/presence_bridge/config")

            stage.be("Busy", "InACall")
            await there.until(LAMP, lambda h: h.json["color"]["r"] > h.json["color"]["g"])
            await there.publish("presence/bridge/request/health_check", "{}")
            answer = await there.until("presence/bridge/response/health_check")
            assert answer.json["status"] == "ok"
            refused = f"broker 127.0.0.1:{first.port} cannot be reached"
            for program in (bridge, lamp):
                assert stage.log(program).count(refused) == 1
                assert f"connected to broker 127.0.0.1:{second.port}" in stage.log(program)

            found = await stage.command("bridge", "doctor")
            assert f"BAD  broker: 127.0.0.1:{first.port} cannot be reached" in found.stdout
            assert f"ok   broker: 127.0.0.1:{second.port} lets anonymous in" in found.stdout
            since = len(there.heard)
            await first.start()
            stage.be("Available")
            await there.until(STATE, lambda h: h.json["busy"] == "OFF", since=since)
            assert stage.log(bridge).count("connected to broker") == 2, "it stays where it is"


def in_its_own_names(hosts: Path, *command: str) -> list[str]:
    """``command`` where names mean what ``hosts`` says; skips where that cannot be."""
    built = [*APART, WITH_NAMES, str(hosts)]
    if subprocess.run([*built, "true"], check=False, capture_output=True).returncode:
        pytest.skip("names of its own cannot be made here (needs unshare and user namespaces)")
    return [*built, *command]


async def test_a_name_with_two_addresses_is_two_brokers(stage: Stage) -> None:
    port = stage.broker.port
    hosts = stage.folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {NAME}\n127.0.0.2 {NAME}\n", encoding="utf-8")
    stage.configure(DRIVER)
    text = stage.config.read_text(encoding="utf-8")
    stage.config.write_text(text.replace('"127.0.0.1"', f'"{NAME}"', 1), encoding="utf-8")
    other = f"allow_anonymous true\nlistener {port} 127.0.0.2"
    command = [sys.executable, "-m", "drivers", "lamp", "--config", str(stage.config)]
    async with (
        running(folder(stage, "other"), extra=other) as second,
        subscriber(second.port) as there,
    ):
        lamp = subprocess.Popen(  # noqa: ASYNC220 - starts at once and is not awaited
            in_its_own_names(hosts, *command),
            stdout=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(stage.folder)},
        )
        try:
            await stage.mqtt.until_text("presence/driver/lamp/state", "online")
            stage.broker.stop(signal.SIGKILL)
            await there.until_text("presence/driver/lamp/state", "online")
        finally:
            lamp.terminate()
            lamp.wait(STOP_S)
