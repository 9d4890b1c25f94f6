import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.broker import Received
from bridge.contract.account import Followed, Way
from bridge.contract.errors import AccessRefusedError, PersonMustActError
from bridge.contract.preferred import PreferredLocation, PreferredPresence
from bridge.contract.topics import Topics
from bridge.publishing.commands import carry_out
from tests.unit.publishing.bench import FakeService

TOPICS = Topics()
TWO = {"alice": Followed("Alice"), "bob": Followed("Bob")}
CROWD = {f"team_p{number}": Followed("P", table="team") for number in range(2000)}


async def ask(
    command: str,
    payload: bytes = b"{}",
    *,
    retain: bool = False,
    accounts: Mapping[str, Followed] = TWO,
    service: FakeService | None = None,
    deadline_s: float = 30.0,
) -> tuple[dict[str, Any], list[Any]]:
    service = service or FakeService()
    outcome = await carry_out(
        Received(f"presence/bridge/request/{command}", payload, retain),
        topics=TOPICS,
        accounts=accounts,
        service=service,
        rediscover=service.rediscover,
        deadline_s=deadline_s,
    )
    message = outcome.response(TOPICS)
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
        ("signin_keep", b'{"account":"alice"}', [("keep", "alice")]),
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
        (
            "set_work_location",
            b'{"account":"bob","location":"time_off"}',
            [("locate", "bob", PreferredLocation.TIME_OFF, None)],
        ),
        (
            "set_work_location",
            b'{"account":"bob","location":"office","place_id":"p-1"}',
            [("locate", "bob", PreferredLocation.OFFICE, "p-1")],
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
        ("set_work_location", "", "location must be one of: automatic, office, remote, time_off"),
        ("set_work_location", ',"location":"timeOff"', "location must be one of"),
        ("set_work_location", ',"location":["office"]', "location must be one of"),
        ("set_work_location", ',"location":"office","place_id":7', "place_id must be text"),
    ],
)
async def test_what_cannot_be_set_is_reported(command: str, more: str, told: str) -> None:
    response, done = await ask(command, f'{{"account":"alice"{more}}}'.encode())
    assert told in response["error"]
    assert done == []


async def test_what_was_set_is_answered_with_what_a_person_must_know() -> None:
    response, _ = await ask("set_presence", b'{"account":"alice","presence":"busy"}')
    assert response["data"] == {"presence": "away", "until": None, "note": "Nobody sees it yet."}
    response, _ = await ask("set_presence", b'{"account":"alice","presence":"away"}')
    assert "note" not in response["data"]


@pytest.mark.parametrize("way", [b'"pigeon"', b"7", b"null", b"[]"])
async def test_an_unknown_way_to_sign_in_is_answered_with_those_there_are(way: bytes) -> None:
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
    outcome = await carry_out(
        Received("presence/bridge/request/Ünïcode", b"{}", retain=False),
        topics=TOPICS,
        accounts=TWO,
        service=service,
        rediscover=service.rediscover,
    )
    assert outcome.response(TOPICS) is None


async def test_a_reload_says_what_needs_a_restart() -> None:
    response, _ = await ask("reload")
    assert (response["status"], response["data"]) == ("ok", {"needs_restart": ["mqtt"]})


async def test_a_reload_of_a_wrong_config_says_its_mistakes() -> None:
    service = FakeService()
    service.config_error = True
    response, _ = await ask("reload", service=service)
    assert response["error"] == "accounts.x.nmae: unknown"


@pytest.mark.parametrize(
    ("command", "more", "done"),
    [
        ("signin", "", ("sign_in", "team", None)),
        ("signout", "", ("sign_out", "team")),
        ("signin_cancel", "", ("cancel", "team")),
        ("signin_keep", "", ("keep", "team")),
        ("signin_finish", ',"address":"?code=c"', ("finish", "team", "?code=c")),
    ],
)
@pytest.mark.parametrize("account", ['"team"', '"team_p7"', "null"])
async def test_the_one_sign_in_of_many_is_that_of_their_table(
    command: str, more: str, done: Any, account: str
) -> None:
    response, did = await ask(command, f'{{"account":{account}{more}}}'.encode(), accounts=CROWD)
    assert response["error"] is None
    assert did == [done]


async def test_a_table_is_no_person_whose_presence_could_be_set() -> None:
    response, _ = await ask("set_presence", b'{"account":"team","presence":"busy"}', accounts=CROWD)
    assert response["error"].startswith("account must be one of: team_p0, ")


@pytest.mark.parametrize("command", ["poll", "set_presence"])
async def test_a_refusal_names_ten_of_many(command: str) -> None:
    response, _ = await ask(command, b'{"account":"nobody"}', accounts=CROWD)
    assert response["error"].count("team_p") == 10
    assert response["error"].endswith(" and 1990 more")
    sign_in, _ = await ask("signin", b'{"account":"nobody"}', accounts=CROWD | TWO)
    assert sign_in["error"] == "account must be one of: alice, bob, team"


@pytest.mark.parametrize("account", ["7", "[]", "{}", "true", '"+"'])
async def test_no_account_is_anything_but_a_name(account: str) -> None:
    response, done = await ask("signin", f'{{"account":{account}}}'.encode())
    assert response["error"] == "account must be one of: alice, bob"
    assert done == []


async def test_a_refusal_of_microsoft_is_reported_with_its_remedy() -> None:
    service = FakeService()
    service.error = AccessRefusedError("It is refused (HTTP 403).", remedy="Add a permission.")
    response, _ = await ask("set_presence", b'{"account":"bob","presence":"busy"}', service=service)
    assert response["error"] == "It is refused (HTTP 403). Add a permission."


@pytest.mark.parametrize(
    ("command", "payload"),
    [("signout", b'{"account":"bob"}'), ("set_presence", b'{"account":"bob","presence":"busy"}')],
)
async def test_a_request_about_somebody_who_just_left_is_answered(
    command: str, payload: bytes
) -> None:
    service = FakeService()
    service.error = PersonMustActError("bob is not followed.", remedy="Look who is followed now.")
    response, _ = await ask(command, payload, service=service)
    assert response["error"] == "bob is not followed. Look who is followed now."


@pytest.mark.parametrize("error", [KeyError("x"), ZeroDivisionError("oops"), RuntimeError()])
async def test_what_nobody_foresaw_is_answered_and_logged_whole(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    service = FakeService()
    service.error = error
    response, _ = await ask("signout", b'{"account":"bob","transaction":3}', service=service)
    assert response["error"].startswith("internal error")
    assert response["transaction"] == 3
    assert "Traceback" in caplog.text


async def test_what_hangs_is_answered_in_time() -> None:
    service = FakeService()
    service.hangs = True
    asked = b'{"account":"bob","presence":"busy"}'
    response, _ = await ask("set_presence", asked, service=service, deadline_s=0.01)
    assert "not done in time" in response["error"]
