from __future__ import annotations

from typing import cast

import pytest

from bridge.contract.account import Way
from bridge.contract.commands import Commands
from bridge.contract.errors import PresenceBridgeError
from bridge.contract.latest import Latest
from bridge.web.data.snapshot import Snapshot, Table
from bridge.web.posts import Posts
from bridge.web.refused import RefusedError
from tests.fakes.web_page import BOTH, RecordingActions, light, person, service

SNAPSHOT = Snapshot(
    service(),
    (
        person("alice", ways=(Way.DEVICE_CODE,)),
        person("bob", added_here=True, settable=True),
        person("ann", table="team"),
    ),
    (light(),),
    tables=(Table("team", 2_000, ways=BOTH),),
    can_add=True,
)


@pytest.fixture
def actions() -> RecordingActions:
    return RecordingActions()


@pytest.fixture
def posts(actions: RecordingActions) -> Posts:
    return Posts(Latest(SNAPSHOT), cast(Commands, actions))


@pytest.mark.parametrize(
    ("command", "fields", "result"),
    [
        (
            "sign-in",
            {"account": "bob", "way": "browser"},
            (("sign_in", "bob", "browser"), "person-bob"),
        ),
        (
            "sign-in-address",
            {"account": "bob", "address": " http://localhost/?code=1 "},
            (("finish_sign_in", "bob", "http://localhost/?code=1"), "person-bob"),
        ),
        ("sign-out", {"account": "alice"}, (("sign_out", "alice"), "person-alice")),
        ("keep-sign-in", {"account": "bob"}, (("keep_sign_in", "bob"), "person-bob")),
        ("keep-sign-in", {"account": "team"}, (("keep_sign_in", "team"), "table-team")),
        ("cancel-sign-in", {"account": "bob"}, (("cancel_sign_in", "bob"), "person-bob")),
        ("cancel-sign-in", {"account": "team"}, (("cancel_sign_in", "team"), "table-team")),
        (
            "sign-in",
            {"account": "team", "way": "browser"},
            (("sign_in", "team", "browser"), "table-team"),
        ),
        ("sign-out", {"account": "team"}, (("sign_out", "team"), "table-team")),
        (
            "add",
            {"name": "  Zoë   O'Hara ", "way": "device_code"},
            (("add_person", "zoe_o_hara", "Zoë O'Hara", "device_code"), "person-zoe_o_hara"),
        ),
        (
            "add",
            {"name": "Alice", "way": "browser"},
            (("add_person", "alice_2", "Alice", "browser"), "person-alice_2"),
        ),
        ("remove", {"account": "bob"}, (("remove_person", "bob"), "people")),
        (
            "set-presence",
            {"account": "bob", "presence": "do_not_disturb", "minutes": "60"},
            (("set_presence", "bob", "do_not_disturb", "1:00:00"), "person-bob"),
        ),
        (
            "set-presence",
            {"account": "bob", "presence": "automatic", "minutes": ""},
            (("set_presence", "bob", "automatic", "None"), "person-bob"),
        ),
        (
            "set-message",
            {"account": "bob", "message": " Back at three ", "minutes": "1440"},
            (("set_status_message", "bob", "Back at three", "1 day, 0:00:00"), "person-bob"),
        ),
        (
            "set-message",
            {"account": "bob", "message": ""},
            (("set_status_message", "bob", "", "None"), "person-bob"),
        ),
        ("poll", {}, (("poll",), "health")),
    ],
)
async def test_each_form_does_one_thing(
    posts: Posts,
    actions: RecordingActions,
    command: str,
    fields: dict[str, str],
    result: tuple[tuple[str, ...], str],
) -> None:
    asked, element = result
    assert (await posts.do(command, fields)).element == element
    assert actions.asked == [asked]


@pytest.mark.parametrize(
    ("command", "fields", "told"),
    [
        ("sign-in", {"account": "zoe", "way": "browser"}, "not here any more"),
        ("sign-in", {"account": "alice", "way": "browser"}, "cannot sign in that way"),
        ("sign-in", {"account": "alice", "way": "magic"}, "cannot sign in that way"),
        ("sign-in", {"account": "alice"}, "cannot sign in that way"),
        ("sign-in-address", {"account": "alice", "address": " "}, "whole address"),
        ("sign-in-address", {"account": "alice", "address": "x" * 9000}, "whole address"),
        ("sign-out", {}, "not here any more"),
        ("add", {"name": " ", "way": "browser"}, "1 to 60 characters"),
        ("add", {"name": "x" * 61, "way": "browser"}, "1 to 60 characters"),
        ("add", {"name": "a\x00b", "way": "browser"}, "1 to 60 characters"),
        ("add", {"name": "a\u202eb", "way": "browser"}, "1 to 60 characters"),
        ("add", {"name": "Zoe", "way": ""}, "way to sign in"),
        ("remove", {"account": "alice"}, "named in the config file"),
        ("sign-out", {"account": "ann"}, "read by the sign-in of team"),
        ("sign-in", {"account": "ann", "way": "browser"}, "read by the sign-in of team"),
        ("set-presence", {"account": "alice", "presence": "busy"}, "cannot be set from here"),
        ("set-presence", {"account": "bob", "presence": "dancing"}, "Choose a presence"),
        ("set-presence", {"account": "bob", "presence": "busy", "minutes": "7"}, "how long"),
        ("set-message", {"account": "alice", "message": "x"}, "cannot be set from here"),
        ("set-message", {"account": "bob", "message": "x" * 281}, "at most 280 characters"),
    ],
)
async def test_what_the_page_does_not_offer_is_refused(
    posts: Posts, actions: RecordingActions, command: str, fields: dict[str, str], told: str
) -> None:
    with pytest.raises(RefusedError, match=told):
        await posts.do(command, fields)
    assert not actions.asked


async def test_people_cannot_be_added_where_the_bridge_does_not_offer_it(
    actions: RecordingActions,
) -> None:
    posts = Posts(Latest(Snapshot(service())), cast(Commands, actions))
    with pytest.raises(RefusedError, match="config file"):
        await posts.do("add", {"name": "Zoe", "way": "browser"})


async def test_what_the_service_says_reaches_the_reader(
    posts: Posts, actions: RecordingActions
) -> None:
    actions.failure = PresenceBridgeError("that address holds no code")
    with pytest.raises(PresenceBridgeError, match="holds no code"):
        await posts.do("sign-out", {"account": "alice"})


async def test_what_a_person_must_know_of_a_set_presence_is_passed_on(
    posts: Posts, actions: RecordingActions
) -> None:
    actions.note = "Teams shows it later."
    done = await posts.do("set-presence", {"account": "bob", "presence": "away"})
    assert done == ("person-bob", "Teams shows it later.")


@pytest.mark.parametrize(
    ("fields", "element"),
    [
        ({"account": "bob"}, "person-bob"),
        ({"account": "team"}, "table-team"),
        ({"light": "desk"}, "light-desk"),
        ({"account": "nobody"}, "people"),
        ({}, "people"),
    ],
)
def test_each_form_belongs_to_an_element(
    posts: Posts, fields: dict[str, str], element: str
) -> None:
    assert posts.place_of(fields) == element
