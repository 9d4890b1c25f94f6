"""Requests are answered one after the other; what became of the last one can be seen."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge.contract.account import Followed
from bridge.contract.errors import AccessRefusedError
from bridge.contract.topics import Topics
from bridge.publishing.request_queue import WAITING_MOST
from tests.unit.publishing.bench import Bench

TOPICS = Topics()
BUSY = b'{"account":"alice","presence":"busy"}'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    built = Bench(tmp_path)
    built.publisher.follow({"alice": Followed("Alice", settable=True)})
    built.connect()
    built.broker.drain()
    return built


async def last(bench: Bench, command: str, payload: bytes = b"{}") -> Any:
    """What is stored as the last command after this one."""
    bench.broker.ask(command, payload)
    await bench.clock.settle()
    bench.broker.drain()
    return json.loads(bench.broker.stored.get(TOPICS.last_command, b"null"))


async def test_a_refusal_is_logged_and_kept_with_its_remedy(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.service.error = AccessRefusedError("It is refused (HTTP 403).", remedy="Add a role.")
    async with bench.running():
        kept = await last(bench, "set_presence", BUSY)
        assert kept == {
            "command": "set_presence",
            "account": "alice",
            "at": "2026-11-23T09:00:00+00:00",
            "error": "It is refused (HTTP 403).",
            "remedy": "Add a role.",
        }
        for _ in range(5):
            await last(bench, "set_presence", BUSY)
        warned = "set_presence for alice refused: It is refused (HTTP 403). Add a role."
        assert caplog.text.count(warned) == 1, "not at each press"
        await bench.clock.advance(60)
        await last(bench, "set_presence", BUSY)
        assert caplog.text.count(warned) == 2
        bench.service.error = None
        assert (await last(bench, "set_presence", BUSY))["error"] is None


async def test_what_only_looks_is_not_kept(bench: Bench) -> None:
    async with bench.running():
        assert await last(bench, "poll") is None
        assert await last(bench, "health_check") is None
        assert (await last(bench, "rediscover"))["command"] == "rediscover"


@pytest.mark.parametrize(
    ("command", "payload"),
    [
        ("signin_finish", b'{"account":"alice","address":"http://localhost/?SECRET"}'),
        ("signin", b'{"account":"http://localhost/?code=SECRET"}'),
        ("set_presence", b'{"account":"alice","presence":"SECRET"}'),
        ("log_level", b'{"level":"SECRET","transaction":"SECRET"}'),
        ("signin", b'{"account":"SECRET"'),
    ],
)
async def test_nothing_that_was_pasted_is_repeated(
    bench: Bench, command: str, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.running():
        kept = await last(bench, command, payload)
    assert kept["error"]
    assert "SECRET" not in f"{kept}{caplog.text}"


async def test_a_name_that_nobody_gave_is_cut_and_makes_one_line(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.running():
        assert (await last(bench, "x" * 500))["command"] == "x" * 60
        assert (await last(bench, "a\nb"))["command"] == "?"
    assert "a\nb" not in caplog.text


async def test_it_is_republished_to_a_broker_without_memory(bench: Bench) -> None:
    async with bench.running():
        kept = await last(bench, "rediscover")
        bench.broker.stored.clear()
        bench.broker.lose()
        bench.connect()
    assert json.loads(bench.broker.stored[TOPICS.last_command]) == kept


async def test_too_many_at_once_are_counted_and_answered(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench.running():
        for number in range(WAITING_MOST + 25):
            bench.broker.ask("poll", b'{"transaction":%d}' % number)
        assert bench.publisher.requests.dropped == 25
        await bench.pass_time(1)
    answers = [
        json.loads(message.payload)
        for message in bench.broker.sent
        if message.topic == TOPICS.response("poll")
    ]
    assert {answer["transaction"] for answer in answers} == set(range(WAITING_MOST + 25))
    refused = [answer for answer in answers if answer["status"] == "error"]
    assert len(refused) == 25
    assert "too many requests" in refused[0]["error"]
    assert caplog.text.count("too many requests") == 1


async def test_one_bug_ends_neither_the_next_request_nor_the_publisher(bench: Bench) -> None:
    bench.service.error = ZeroDivisionError("a bug")
    async with bench.running():
        assert (await last(bench, "set_presence", BUSY))["error"].startswith("internal error")
        bench.service.error = None
        assert (await last(bench, "set_presence", BUSY))["error"] is None


async def test_a_new_log_level_is_in_the_info_and_a_new_preference_is_reported(
    bench: Bench,
) -> None:
    async with bench.running():
        await last(bench, "log_level", b'{"level":"debug"}')
        assert bench.broker.sent[-1].topic == TOPICS.bridge_info


async def test_what_the_shell_asks_is_answered_to_it_alone_and_kept_as_the_last(
    bench: Bench,
) -> None:
    async with bench.running():
        answers = asyncio.gather(
            bench.publisher.requests.ask("set_presence", BUSY),
            bench.publisher.requests.ask("poll", b'{"account":"nobody"}'),
            bench.publisher.requests.ask("no/such command", b""),
        )
        await bench.clock.settle()
        done, refused, unknown = map(json.loads, await answers)
        bench.broker.drain()
    assert done["status"] == "ok"
    assert refused["error"] == "account must be one of: alice"
    assert unknown["error"].startswith("unknown command; known: ")
    assert not [m for m in bench.broker.sent if "/response/" in m.topic]
    assert json.loads(bench.broker.stored[TOPICS.last_command])["error"] == unknown["error"]


async def test_a_shell_that_left_is_in_nobodys_way(bench: Bench) -> None:
    async with bench.running():
        leaving = asyncio.create_task(bench.publisher.requests.ask("rediscover", b""))
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await last(bench, "log_level", b'{"level":"debug"}'))["error"] is None


async def test_the_shell_is_turned_away_too_where_too_many_wait(bench: Bench) -> None:
    for _ in range(WAITING_MOST):
        bench.broker.ask("poll", b"{}")
    answer = json.loads(await bench.publisher.requests.ask("poll", b"{}"))
    assert "too many requests" in answer["error"]
