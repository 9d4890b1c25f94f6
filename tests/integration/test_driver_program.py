"""``presence-driver`` as a program beside a real broker: preview, forget, and the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.setup.passwords import hashed
from tests.fakes.forks import Forks
from tests.fakes.mosquitto import Mosquitto, running
from tests.fakes.subscriber import Subscriber, subscriber

pytestmark = pytest.mark.broker

REPOSITORY = Path(__file__).parents[2]
STOP_S = 10.0
LIGHT = "presence/driver/desk/light"
CONFIG = "homeassistant/device/desk/light/config"
STUCK = """
import sys, time
from contextlib import asynccontextmanager
from bridge.config import Settings
from drivers.base import Kind
from drivers.blocking import Worker

class Stuck:
    def __init__(self, worker):
        self.worker = worker

    async def apply(self, state):
        print("stuck", file=sys.stderr, flush=True)
        await self.worker(time.sleep, 3600)

@asynccontextmanager
async def opened(options, around):
    async with Worker("stuck") as worker:
        yield Stuck(worker)

KIND = Kind(name="stuck", options=Settings, open=opened, deadline_s=1.0)
"""


class Desk:
    """A folder with a config, a broker, and the program."""

    def __init__(self, folder: Path, broker: Mosquitto, mqtt: Subscriber, forks: Forks) -> None:
        self.folder, self.broker, self.mqtt, self._forks = folder, broker, mqtt, forks
        self.configure('[drivers.desk]\nkind = "console"\nfollow = ["alice", "bob"]\n')

    def configure(self, tables: str, mqtt: str = "") -> None:
        (self.folder / "config.toml").write_text(
            f'state_dir = "state"\n[mqtt]\nhost = "127.0.0.1"\nport = {self.broker.port}\n'
            f"{mqtt}\n{tables}",
            encoding="utf-8",
        )

    def start(self, *words: str, first: str = "") -> Any:
        """``first`` is what the shell does that starts it."""
        path = os.pathsep.join([str(self.folder), str(REPOSITORY)])
        return subprocess.Popen(
            ["/bin/sh", "-c", f'{first}\nexec "$@"', "sh", sys.executable, "-m", "drivers", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path, "HOME": str(self.folder)},
        )

    async def run(self, *words: str, **environ: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "drivers", *words]
        environ = {**os.environ, "HOME": str(self.folder), **environ}
        run = self._forks.run
        done = await asyncio.to_thread(run, command, environ=environ, cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    async def person(self, account: str, presence: str, **more: Any) -> None:
        topic, now = f"presence/account/{account}", datetime.now(UTC)
        await self.mqtt.publish("presence/bridge/state", "online", retain=True)
        await self.mqtt.publish(f"{topic}/sign_in", "signed_in", retain=True)
        await self.mqtt.publish(f"{topic}/availability", "online", retain=True)
        availability, _, activity = presence.partition("/")
        state = {
            **dict.fromkeys(("busy", "in_call", "in_meeting", "out_of_office", "status_message")),
            "availability": availability,
            "activity": activity or availability,
            "changed_at": now.isoformat(),
            "polled_at": now.isoformat(),
            "valid_until": (now + timedelta(minutes=5)).isoformat(),
            **more,
        }
        await self.mqtt.publish(f"{topic}/state", json.dumps(state), retain=True)

    async def stored(self) -> set[str]:
        """The topics of the lamp that the broker has something on."""
        async with subscriber(self.broker.port, username="reader", password="r") as fresh:
            await fresh.publish("presence/driver/desk/mark", b"", retain=False)
            await fresh.until("presence/driver/desk/mark")
            return {h.topic for h in fresh.heard if h.retain and "desk" in h.topic}


@pytest.fixture
async def desk(tmp_path: Path, forks: Forks) -> AsyncIterator[Desk]:
    async with running(tmp_path) as broker, subscriber(broker.port) as mqtt:
        yield Desk(tmp_path, broker, mqtt, forks)


async def test_a_preview_shows_what_it_has_to_suppose(desk: Desk) -> None:
    desk.broker.stop()  # nobody is asked
    words = ["--at", "2026-11-23 08:59", "--presence", "alice=away,bob=busy/in_a_call"]
    code, out, err = await desk.run("preview", "desk", *words)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "#ff0000 at 100%, pulse",
        "because: activity in_a_call (bob)",
        "not: availability busy (bob); the activity comes first",
        "not: availability away (alice); somebody busier comes first",
    ]
    code, out, err = await desk.run("preview", "desk", "--presence", "carol=busy")
    assert (code, out) == (2, "")
    assert "'carol' is not followed; this lamp follows alice, bob" in err


async def test_a_preview_alone_asks_the_broker_for_what_is_true_now(desk: Desk) -> None:
    await desk.person("alice", "available")
    await desk.person("bob", "busy/in_a_call")
    assert "activity in_a_call (bob)" in (await desk.run("preview", "desk"))[1]
    await desk.mqtt.publish("presence/account/bob/sign_in", "needed", retain=True)
    await desk.mqtt.publish("presence/account/bob/availability", "offline", retain=True)
    await desk.person("alice", "offline")
    assert "sign-in needed (bob)" in (await desk.run("preview", "desk"))[1]
    await desk.mqtt.publish("presence/bridge/state", "offline", retain=True)
    assert "the bridge is gone" in (await desk.run("preview", "desk"))[1]
    rule = {"mode": "manual", "look": {"color": [1, 2, 3]}}
    await desk.mqtt.publish(f"{LIGHT}/rule", json.dumps(rule), retain=True)
    code, out, err = await desk.run("preview", "desk")
    assert (code, err) == (0, "")
    assert out.startswith("#010203 at 100%, solid\nbecause: set by hand")


async def test_a_preview_believes_a_bridge_that_publishes_the_sign_in_with_its_code(
    desk: Desk,
) -> None:
    await desk.person("alice", "available")
    await desk.person("bob", "available")
    for account, state in (("alice", "signed_in"), ("bob", "expired")):
        await desk.mqtt.publish(f"presence/account/{account}/sign_in", b"", retain=True)
        auth = json.dumps({"state": state})
        await desk.mqtt.publish(f"presence/account/{account}/auth", auth, retain=True)
    await desk.mqtt.publish("presence/account/alice/availability", "offline", retain=True)
    assert "sign-in needed (bob)" in (await desk.run("preview", "desk"))[1]


async def test_a_preview_without_a_broker_says_so_in_a_line(desk: Desk) -> None:
    desk.broker.stop()
    code, out, err = await desk.run("preview", "desk")
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert f"127.0.0.1:{desk.broker.port}" in err
    assert err.endswith("To assume one: --presence busy/in_a_call\n")


def locked(folder: Path) -> str:
    """A broker where a lamp has only what the shipped access rules give it."""
    users = {"desk": "d", "reader": "r"}
    (folder / "passwords").write_text(
        "".join(f"{user}:{hashed(word, b'salt-salt-12')}\n" for user, word in users.items()),
        encoding="utf-8",
    )
    shipped = (REPOSITORY / "mosquitto" / "acl").read_text(encoding="utf-8")
    rules = folder / "acl"
    rules.write_text(f"user reader\ntopic readwrite #\n\n{shipped}", encoding="utf-8")
    return f"allow_anonymous false\npassword_file {folder}/passwords\nacl_file {rules}"


async def test_a_lamp_is_forgotten_with_its_own_user_and_without_its_table(
    tmp_path: Path, forks: Forks
) -> None:
    mqtt = 'username = "desk"\npassword = "d"\n'
    extra = locked(tmp_path)
    async with (
        running(tmp_path, extra=extra) as broker,
        subscriber(broker.port, username="reader", password="r") as listening,
    ):
        desk = Desk(tmp_path, broker, listening, forks)
        desk.configure('[drivers.desk]\nkind = "console"\nfollow = ["alice"]\n', mqtt)
        lamp = desk.start("desk")
        try:
            await listening.until_text("presence/driver/desk/state", "online")
            await listening.publish(f"{LIGHT}/set", '{"state":"OFF"}')
            await listening.until(f"{LIGHT}/state", lambda heard: '"OFF"' in heard.text)
            code, out, err = await desk.run("forget", "desk")
            assert (code, out) == (1, "")
            assert "desk runs" in err
            assert "Stop its driver first." in err
        finally:
            lamp.send_signal(signal.SIGTERM)
            await asyncio.to_thread(lamp.communicate, timeout=STOP_S)
        await listening.publish(f"{LIGHT}/set", '{"state":"ON"}', retain=True)
        kept = {f"{LIGHT}/{leaf}" for leaf in ("availability", "state", "rule", "why", "set")}
        assert await desk.stored() == {*kept, CONFIG, "presence/driver/desk/state"}
        assert list((tmp_path / "state" / "lights").iterdir())

        desk.configure("")  # another user's, and no table any more
        (tmp_path / "word").write_text("d\n")
        own = ["--username", "desk", "--password-file", "word"]
        code, out, err = await desk.run("forget", "desk", *own)
        assert (code, err) == (0, "")
        assert CONFIG in out
        assert await desk.stored() == set()
        assert list((tmp_path / "state" / "lights").iterdir()) == []

        code, _, err = await desk.run("forget", "desk", "--password-file", "none")
        assert (code, err) == (2, "config: none: No such file or directory\n")
        code, _, err = await desk.run("forget", "hall", *own)
        assert code == 1
        assert "does not let user desk" in err


@pytest.mark.parametrize(
    ("how", "ignored"), [(signal.SIGTERM, False), (signal.SIGINT, True)], ids=["", "from nohup &"]
)
async def test_a_light_library_that_hangs_does_not_hold_a_stop(
    desk: Desk, how: signal.Signals, *, ignored: bool
) -> None:
    (desk.folder / "stuck.py").write_text(STUCK, encoding="utf-8")
    metadata = desk.folder / "stuck-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stuck\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[presence.drivers]\nstuck = stuck:KIND\n")
    desk.configure('[drivers.desk]\nkind = "stuck"\nfollow = ["alice"]\n')
    await desk.person("alice", "busy")

    process = desk.start("desk", first="trap '' INT HUP" if ignored else "")
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while "stuck" not in await asyncio.to_thread(process.stderr.readline):
            pass
    began_s = time.monotonic()
    process.send_signal(how)
    code = await asyncio.to_thread(process.wait, 2 * STOP_S)
    assert time.monotonic() - began_s < STOP_S
    assert code == (0 if how is signal.SIGTERM else 130)
    await desk.mqtt.until_text("presence/driver/desk/state", "offline")
    process.stdout.close()
    process.stderr.close()


SCHEDULE = """[drivers.desk]
kind = "console"
follow = ["alice"]
schedule = { hours = "08:00-18:00" }
"""


@pytest.mark.parametrize(
    ("zone", "shown"), [('"Asia/Tokyo"', "off"), (":Europe/London", "#ff0000"), ("UTC", "#ff0000")]
)
async def test_a_schedule_goes_by_the_zone_of_the_environment_whatever_its_quotes(
    desk: Desk, zone: str, shown: str
) -> None:
    desk.configure(SCHEDULE)
    words = ["preview", "desk", "--presence", "busy/in_a_call", "--at", "2026-11-23T10:00+00:00"]
    _, out, err = await desk.run(*words, TZ=zone)
    assert err == ""
    assert out.startswith(shown)


async def test_a_zone_that_is_none_is_refused_where_hours_depend_on_it(desk: Desk) -> None:
    for tables, code in ((SCHEDULE, 2), ('[drivers.desk]\nkind = "console"\n', 0)):
        desk.configure(tables)
        words = ["preview", "desk", "--presence", "busy/in_a_call"]
        ended, _, err = await desk.run(*words, TZ="Europe/Berlni")
        assert ended == code
        assert ("did you mean Europe/Berlin?" in err) is (code == 2)


async def test_the_zone_of_a_schedule_is_said_once_at_the_start(desk: Desk) -> None:
    desk.configure(SCHEDULE)
    lamp = desk.start("desk", first="export TZ=Europe/Berlin")
    await desk.mqtt.until_text("presence/driver/desk/state", "online")
    lamp.send_signal(signal.SIGTERM)
    _, err = await asyncio.to_thread(lamp.communicate, timeout=STOP_S)
    assert err.count("desk: hours go by Europe/Berlin: there it is") == 1
