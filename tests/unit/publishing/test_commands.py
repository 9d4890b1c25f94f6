import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker import Received
from bridge.contract.errors import ConfigError
from bridge.contract.health import Health
from bridge.contract.topics import Topics
from bridge.publishing.commands import answer

TOPICS = Topics()


class FakeService:
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.config_error = False

    def poll(self, account: str | None) -> None:
        self.done.append(("poll", account))

    def sign_in(self, account: str) -> None:
        self.done.append(("sign_in", account))

    async def sign_out(self, account: str) -> None:
        self.done.append(("sign_out", account))

    def restart(self) -> None:
        self.done.append("restart")

    def reload(self) -> list[str]:
        if self.config_error:
            raise ConfigError(["accounts.x.nmae: unknown"])
        return ["mqtt"]

    def set_log_level(self, level: str) -> None:
        if level != "debug":
            raise ValueError("level must be one of debug")
        self.done.append(("level", level))

    def log_level(self) -> str:
        return "info"

    def health(self) -> Health:
        return Health(healthy=True)

    def rediscover(self) -> None:
        self.done.append("rediscover")


async def ask(
    command: str, payload: bytes = b"{}", *, retain: bool = False
) -> tuple[dict[str, Any], list[Any]]:
    service = FakeService()
    message = await answer(
        Received(f"presence/bridge/request/{command}", payload, retain),
        topics=TOPICS,
        accounts=("alice", "bob"),
        service=service,
        rediscovery=service,
    )
    assert message is not None
    assert message.topic == f"presence/bridge/response/{command}"
    assert not message.retain
    return json.loads(message.payload), service.done


@pytest.mark.parametrize(
    ("command", "payload", "done"),
    [
        ("poll", b"", [("poll", None)]),
        ("poll", b'{"account":"bob"}', [("poll", "bob")]),
        ("signin", b'{"account":"alice"}', [("sign_in", "alice")]),
        ("signout", b'{"account":"alice"}', [("sign_out", "alice")]),
        ("restart", b"{}", ["restart"]),
        ("log_level", b'{"level":"debug"}', [("level", "debug")]),
        ("rediscover", b"{}", ["rediscover"]),
    ],
)
async def test_a_request_is_done_and_answered(
    command: str, payload: bytes, done: list[Any]
) -> None:
    response, did = await ask(command, payload)
    assert response["status"] == "ok"
    assert did == done


async def test_the_transaction_comes_back_with_success_and_with_failure() -> None:
    good, _ = await ask("health_check", b'{"transaction":"t1"}')
    bad, _ = await ask("signin", b'{"transaction":9}')
    assert (good["transaction"], good["data"]["healthy"]) == ("t1", True)
    assert (bad["transaction"], bad["status"]) == (9, "error")


async def test_a_retained_request_is_refused() -> None:
    response, done = await ask("restart", retain=True)
    assert "retain" in response["error"]
    assert done == []


@given(st.binary(max_size=60), st.sampled_from(["signin", "signout", "log_level"]))
async def test_garbage_is_answered_and_nothing_happens(payload: bytes, command: str) -> None:
    response, done = await ask(command, payload)
    assert response["status"] == "error"
    assert done == []


async def test_a_topic_that_cannot_be_answered_is_ignored() -> None:
    service = FakeService()
    message = await answer(
        Received("presence/bridge/request/Ünïcode", b"{}", retain=False),
        topics=TOPICS,
        accounts=("alice",),
        service=service,
        rediscovery=service,
    )
    assert message is None


async def test_a_reload_tells_what_needs_a_restart() -> None:
    response, _ = await ask("reload")
    assert (response["status"], response["data"]) == ("ok", {"needs_restart": ["mqtt"]})


async def test_a_reload_of_a_wrong_config_tells_its_mistakes() -> None:
    service = FakeService()
    service.config_error = True
    message = await answer(
        Received("presence/bridge/request/reload", b"{}", retain=False),
        topics=TOPICS,
        accounts=("alice",),
        service=service,
        rediscovery=service,
    )
    assert message is not None
    assert json.loads(message.payload)["error"] == "accounts.x.nmae: unknown"
