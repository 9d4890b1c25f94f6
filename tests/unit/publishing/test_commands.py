import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker import Received
from bridge.contract.account import Way
from bridge.contract.errors import ConfigError, PersonMustActError
from bridge.contract.health import Health
from bridge.contract.preferred import Preferred, PreferredPresence
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

    def sign_in(self, account: str, way: Way | None) -> None:
        self.done.append(("sign_in", account, way))

    def finish_sign_in(self, account: str, address: str) -> None:
        if "code=" not in address:
            raise PersonMustActError("That is not the address.", remedy="Paste the other.")
        self.done.append(("finish", account, address))

    async def sign_out(self, account: str) -> None:
        self.done.append(("sign_out", account))

    async def set_presence(
        self, account: str, presence: PreferredPresence, lasts: timedelta | None
    ) -> str | None:
        self.done.append((account, presence, lasts))
        return "Nobody sees it yet." if presence is PreferredPresence.BUSY else None

    async def set_status_message(self, account: str, text: str, lasts: timedelta | None) -> None:
        self.done.append((account, text, lasts))

    async def clear_presence(self, account: str) -> None:
        self.done.append(("clear", account))

    def preferred(self, account: str) -> Preferred:
        return Preferred(PreferredPresence.AWAY)

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
        ("signin", b'{"account":"alice"}', [("sign_in", "alice", None)]),
        ("signin", b'{"account":"bob","way":"browser"}', [("sign_in", "bob", Way.BROWSER)]),
        (
            "signin_finish",
            b'{"account":"bob","address":"http://localhost/?code=c"}',
            [("finish", "bob", "http://localhost/?code=c")],
        ),
        ("signout", b'{"account":"alice"}', [("sign_out", "alice")]),
        (
            "set_presence",
            b'{"account":"bob","presence":"away","minutes":30}',
            [("bob", PreferredPresence.AWAY, timedelta(minutes=30))],
        ),
        (
            "set_status_message",
            b'{"account":"bob","message":" back at 3 "}',
            [("bob", "back at 3", None)],
        ),
        ("clear_presence", b'{"account":"bob"}', [("clear", "bob")]),
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


@pytest.mark.parametrize(
    ("command", "more", "told"),
    [
        ("set_presence", "", "presence must be one of: automatic, available, busy"),
        ("set_presence", ',"presence":"in_a_call"', "presence must be one of"),
        ("set_presence", ',"presence":"busy","minutes":"9"', "minutes must be a whole number"),
        ("set_presence", ',"presence":"busy","minutes":true', "minutes must be a whole number"),
        ("set_presence", ',"presence":"busy","minutes":1e400', "minutes must be a whole number"),
        ("set_status_message", ',"message":7', "message must be text"),
    ],
)
async def test_what_cannot_be_set_is_told(command: str, more: str, told: str) -> None:
    response, done = await ask(command, f'{{"account":"alice"{more}}}'.encode())
    assert told in response["error"]
    assert done == []


async def test_what_was_set_is_answered_with_what_a_person_must_know() -> None:
    response, _ = await ask("set_presence", b'{"account":"alice","presence":"busy"}')
    assert response["data"] == {"presence": "away", "until": None, "note": "Nobody sees it yet."}
    response, _ = await ask("set_presence", b'{"account":"alice","presence":"away"}')
    assert "note" not in response["data"]


@pytest.mark.parametrize("way", [b'"pigeon"', b"7", b"null", b"[]"])
async def test_an_unknown_way_to_sign_in_is_told_which_there_are(way: bytes) -> None:
    response, done = await ask("signin", b'{"account":"alice","way":' + way + b"}")
    assert response["error"] == "way must be one of: device_code, browser"
    assert done == []


async def test_a_wrong_address_is_answered_with_what_to_paste_and_not_repeated() -> None:
    response, done = await ask("signin_finish", b'{"account":"alice","address":"secret"}')
    assert response["error"] == "That is not the address. Paste the other."
    assert "secret" not in str(response)
    assert done == []


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
