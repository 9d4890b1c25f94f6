"""What ``accounts`` and ``doctor`` make of a broker that lets a user do only a part."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bridge.broker import Received, visit, visiting
from bridge.commands import accounts
from bridge.commands.account_states import UNMARKED_S
from bridge.config.command_line import FAILED, OK
from bridge.config.tables.base import Settings
from bridge.config.tables.config import Config
from bridge.config.tables.shared import HostConfig, MqttSettings
from bridge.contract.clock import SystemClock
from bridge.contract.light import LightCommand
from bridge.contract.wire import Message
from bridge.doctor.broker import broker
from bridge.doctor.findings import Finding
from drivers import console
from drivers.runtime.runner import Runner
from drivers.settings import Common, LampConfig
from tests.fakes.mosquitto import Mosquitto, running
from tests.integration.broker.conftest import run_hurried

T = TypeVar("T")
HURRY, SLOW = 5, 0.05
"""So much sooner it gives up waiting for what a broker does not send, or later."""
ALL = "user admin\ntopic readwrite #\n"
SHIPPED = """\
user bridge
topic readwrite presence/bridge/#
topic readwrite presence/account/#
topic readwrite presence/table/#
topic read presence/driver/#
topic write presence/driver/+/light/set
topic readwrite homeassistant/device/+/config
topic read homeassistant/status
"""
LEFT = {
    "presence/bridge/state": b"offline",
    "presence/account/alice/state": b'{"availability":"busy","activity":"in_a_call"}',
    "presence/account/alice/availability": b"offline",
    "presence/account/alice/auth": b'{"state":"signed_in"}',
    "homeassistant/device/presence_bridge/config": b'{"device":{}}',
}


def config(port: int, folder: Path, user: str | None = "bridge") -> Config:
    mqtt = {"host": "127.0.0.1", "port": port, **({"username": user} if user else {})}
    values = {"state_dir": folder / "state", "mqtt": mqtt, "accounts": {"alice": {}}}
    return Config.model_validate(values, context={"folder": folder})


@asynccontextmanager
async def fenced(
    folder: Path, rules: str, *, left: dict[str, bytes] | None = None, extra: str = ""
) -> AsyncIterator[Mosquitto]:
    """A broker with ``rules``, on which a bridge has ``left`` something."""
    (folder / "acl").write_text(f"{rules}\n{ALL}", encoding="utf-8")
    lines = f"allow_anonymous true\nacl_file {folder / 'acl'}\n{extra}"
    async with running(folder, extra=lines) as built:
        for topic, payload in (left or {}).items():
            await visit(config(built.port, folder, "admin").mqtt, publish=[Message(topic, payload)])
        yield built


async def hurried(question: Coroutine[Any, Any, T]) -> T:
    """Ask on a loop of its own: the broker and who looks at it take the time that they need."""
    return await asyncio.to_thread(run_hurried, question, hurry=HURRY)


async def stored(built: Mosquitto, folder: Path) -> dict[str, bytes]:
    heard = await visit(
        config(built.port, folder, "admin").mqtt,
        follow=["presence/#", "homeassistant/#"],
        until=lambda _: False,
        within_s=0.5,
    )
    return {message.topic: message.payload for message in heard if message.retain}


def faults(findings: list[Finding]) -> list[Finding]:
    return [finding for finding in findings if not finding.good]


async def test_the_shipped_rules_are_enough_and_nothing_stays_or_changes(tmp_path: Path) -> None:
    async with fenced(tmp_path, SHIPPED, left=LEFT) as built:
        findings, online = await broker(config(built.port, tmp_path))
        assert (faults(findings), online) == ([], False)
        assert await stored(built, tmp_path) == LEFT


async def test_rules_of_somebody_who_names_each_topic_are_enough_too(tmp_path: Path) -> None:
    """The probe is refused there: what the bridge does all day is not."""
    rules = "user bridge\n" + "".join(f"topic readwrite {topic}\n" for topic in LEFT)
    async with fenced(tmp_path, rules, left=LEFT) as built:
        findings, _ = await broker(config(built.port, tmp_path))
        assert faults(findings) == []
        assert await stored(built, tmp_path) == LEFT


@pytest.mark.parametrize(
    ("line", "instead", "told", "cure"),
    [
        (
            "topic readwrite presence/account/#",
            "topic read presence/account/#",
            "broker: user bridge may not write presence/account/alice/availability",
            "below user bridge: topic readwrite presence/account/#",
        ),
        (
            "topic readwrite presence/account/#",
            "topic write presence/account/#",
            "broker: user bridge may not read presence/account/alice/availability",
            "below user bridge: topic readwrite presence/account/#",
        ),
        (
            "topic readwrite homeassistant/device/+/config",
            "",
            "broker: user bridge may not write homeassistant/device/presence_probe/config",
            "below user bridge: topic readwrite homeassistant/device/+/config",
        ),
    ],
)
async def test_a_line_that_is_missing_is_reported_with_the_line(
    tmp_path: Path, line: str, instead: str, told: str, cure: str
) -> None:
    rules = SHIPPED.replace(line, instead)
    # what may be written and not read is not known to be stored
    async with fenced(tmp_path, rules, left=LEFT) as built:
        findings, _ = await hurried(broker(config(built.port, tmp_path)))
        assert [fault.text for fault in faults(findings)] == [told]
        assert cure in faults(findings)[0].remedy
        assert await stored(built, tmp_path) == LEFT


@pytest.mark.parametrize(("user", "left"), [("bridge", LEFT), (None, {})])
async def test_a_user_who_may_only_write_receives_nothing_and_both_commands_say_so(
    tmp_path: Path,
    user: str | None,
    left: dict[str, bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    who = user or "anonymous"
    rules = "user bridge\ntopic write #" if user else "topic write #"
    async with fenced(tmp_path, rules, left=left) as built:
        deaf = config(built.port, tmp_path, user)
        assert await hurried(accounts.table(deaf)) == FAILED
        told, *_, last = capsys.readouterr().out.splitlines()
        assert f"received nothing: check that user {who} may read presence/" in told
        assert last.split() == ["alice", "none", "-", "-", "-", "-"]
        findings, _ = await hurried(broker(deaf))
        assert [fault.text for fault in faults(findings)] == [
            f"broker: connected, but receives nothing: check that user {who} may read presence/#"
        ]
        assert await stored(built, tmp_path) == left


async def test_who_receives_the_bridge_and_not_its_accounts_reads_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = "user bridge\ntopic write #\ntopic read presence/bridge/#"
    async with fenced(tmp_path, rules, left={**LEFT, "presence/bridge/state": b"online"}) as built:
        assert await hurried(accounts.table(config(built.port, tmp_path))) == FAILED
        told = capsys.readouterr().out.splitlines()[0]
        assert "check that user bridge may read presence/account/+/state" in told


async def test_accounts_waits_for_nothing_once_all_that_is_stored_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = {**LEFT, "presence/bridge/state": b"online"}
    async with fenced(tmp_path, SHIPPED, left=left) as built:
        table = accounts.table(config(built.port, tmp_path))
        began_s = time.monotonic()
        assert await asyncio.to_thread(run_hurried, table, hurry=SLOW) == OK
        assert time.monotonic() - began_s < UNMARKED_S / SLOW
    assert capsys.readouterr().out.splitlines()[-1].startswith("alice")


async def test_accounts_works_where_no_mark_can_be_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = "user bridge\n" + "".join(f"topic read {topic}\n" for topic in LEFT)
    async with fenced(tmp_path, rules, left=LEFT) as built:
        assert await hurried(accounts.table(config(built.port, tmp_path))) == FAILED
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first == "The service is not running; this is what it left behind."
    assert last.split()[:3] == ["alice", "signed", "in"]


@pytest.mark.parametrize(
    ("left", "told"),
    [
        ({}, "The service is not running, and left nothing at this broker."),
        (LEFT, "The service is not running; this is what it left behind."),
    ],
)
async def test_a_service_that_does_not_run_is_reported_as_that(
    tmp_path: Path, left: dict[str, bytes], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with fenced(tmp_path, SHIPPED, left=left) as built:
        code = await hurried(accounts.table(config(built.port, tmp_path)))
        first, *_, last = capsys.readouterr().out.splitlines()
        assert (code, first) == (FAILED, told)
        assert last.startswith("alice")


async def test_a_broker_that_keeps_nothing_is_named(tmp_path: Path) -> None:
    async with fenced(tmp_path, SHIPPED, extra="retain_available false") as built:
        findings, _ = await hurried(broker(config(built.port, tmp_path)))
        (fault,) = faults(findings)
        assert fault.text.startswith("broker: keeps no retained messages (Retain Available 0)")


@pytest.mark.parametrize(
    ("extra", "good", "told"),
    [
        ("max_packet_size 4000", False, "Maximum Packet Size 4000 bytes: what Home"),
        ("max_packet_size 100000", True, "Maximum Packet Size 100000 bytes"),
        ("max_inflight_messages 3", True, "Receive Maximum 3"),
        ("max_qos 0", True, "Maximum QoS 0"),
    ],
)
async def test_each_limit_is_named(tmp_path: Path, extra: str, told: str, *, good: bool) -> None:
    async with fenced(tmp_path, SHIPPED, left=LEFT, extra=extra) as built:
        findings, _ = await broker(config(built.port, tmp_path))
        limit = next(finding for finding in findings if told in finding.text)
        assert limit.good is good
        assert [finding for finding in faults(findings) if finding is not limit] == []


async def test_stopped_half_way_it_leaves_nothing(tmp_path: Path) -> None:
    async with fenced(tmp_path, "user bridge\ntopic write #", left=LEFT) as built:
        asking = asyncio.create_task(broker(config(built.port, tmp_path)))
        async with asyncio.timeout(10):
            while "presence/bridge/probe/" not in str(await stored(built, tmp_path)):
                pass
        asking.cancel()
        await asyncio.wait({asking})
        assert asking.cancelled()
        assert await stored(built, tmp_path) == LEFT


async def test_killed_half_way_its_will_takes_the_probe_away(tmp_path: Path) -> None:
    async with fenced(tmp_path, SHIPPED, left=LEFT) as built:
        probe = "presence/bridge/probe/1-1"
        mqtt = config(built.port, tmp_path).mqtt
        soon = mqtt.model_copy(update={"protocol": "3.1.1"})  # which has no delay of wills
        async with visiting(soon, will=Message(probe, b"")) as session:
            await session.send([Message(probe, b"probe")])
            assert probe in await stored(built, tmp_path)
            session.drop()
        async with asyncio.timeout(15):
            while probe in await stored(built, tmp_path):
                pass
        assert await stored(built, tmp_path) == LEFT


async def test_a_broker_that_never_answers_is_reported_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It greets, and says nothing more."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(bytes([0x20, 3, 0, 0, 0]))
        await reader.read()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        mute = config(server.sockets[0].getsockname()[1], tmp_path)
        assert await hurried(accounts.table(mute)) == FAILED
    told = capsys.readouterr().out.splitlines()[0]
    assert "let us in, and then failed: no answer within 10 s" in told


async def test_a_lamp_that_reported_a_wrong_clock_is_named_and_garbage_is_not(
    tmp_path: Path,
) -> None:
    rule = "presence/driver/{}/light/rule".format
    left = {
        **LEFT,
        rule("desk"): b'{"rule":"x","clock_apart_s":-360}',
        rule("fine"): b'{"rule":"x","clock_apart_s":0}',
        rule("old"): b'{"rule":"x"}',
        rule("odd"): b"\xff",
    }
    async with fenced(tmp_path, SHIPPED, left=left) as built:
        findings, _ = await broker(config(built.port, tmp_path))
        (found,) = faults(findings)
        assert found.text == "lamp desk: its clock is 6 min ahead of the bridge's"


OLDER = """\
pattern readwrite presence/driver/%u/#
pattern readwrite homeassistant/device/%u/+/config
pattern read presence/account/+/state
pattern read presence/account/+/availability
pattern read presence/account/+/auth
pattern read presence/bridge/state
pattern read homeassistant/status
"""
"""What the last release let each lamp do."""


async def test_rules_of_the_last_release_let_a_lamp_explain_itself_and_take_what_the_page_sends(
    tmp_path: Path,
) -> None:
    async with fenced(tmp_path, f"{OLDER}\n{SHIPPED}", left=LEFT) as built:
        mqtt = {"host": "127.0.0.1", "port": built.port, "username": "desk"}
        values = {"state_dir": tmp_path / "lamp", "mqtt": mqtt, "drivers": {"desk": {"kind": "x"}}}
        as_bridge = config(built.port, tmp_path).mqtt
        common = Common(kind="x", follow=("alice",))
        lamp = LampConfig(
            "desk", HostConfig.model_validate(values), common, console.KIND, Settings()
        )
        running_lamp = asyncio.create_task(Runner(lamp, clock=SystemClock()).run())
        try:
            explained = await heard_by(as_bridge, lambda why: not why["trying"])
            assert explained["can"] == ["for_s", "try"]
            trying = LightCommand(trial=True).model_dump_json(by_alias=True, exclude_none=True)
            topic = "presence/driver/desk/light/set"
            await visit(as_bridge, publish=[Message(topic, trying.encode(), retain=False)])
            assert (await heard_by(as_bridge, lambda why: why["trying"]))["mode"] == "follow"
        finally:
            running_lamp.cancel()
            await asyncio.wait({running_lamp})
        assert "Denied" not in built.log


async def heard_by(mqtt: MqttSettings, is_it: Callable[[Any], object]) -> Any:
    """The explanation of the lamp that is looked for."""
    found: list[Any] = []

    def look(received: Received) -> bool:
        if is_it(why := json.loads(received.payload)):
            found.append(why)
        return bool(found)

    await visit(mqtt, follow=["presence/driver/desk/light/why"], until=look, within_s=20)
    return found[0]
