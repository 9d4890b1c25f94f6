"""What the forms of a lamp send to its driver, and what they refuse."""

from __future__ import annotations

from typing import cast

import pytest

from bridge.contract.commands import Commands
from bridge.contract.latest import Latest
from bridge.contract.light import Can
from bridge.contract.light_why import LightWhy, Reason
from bridge.web.data.snapshot import Snapshot
from bridge.web.posts import Posts
from bridge.web.refused import RefusedError
from tests.fakes.web_page import RecordingActions, light, service

WON = Reason(rule="availability busy", account="alice")
SNAPSHOT = Snapshot(
    service(),
    lights=(
        light("desk", why=LightWhy(won=WON, can=tuple(Can))),
        light("hall", why=LightWhy(won=WON, can=tuple(Can), trying="away")),
        light("old"),
    ),
)


@pytest.mark.parametrize(
    ("form", "fields", "sent"),
    [
        ("follow", {}, '{"state":"ON","effect":"presence"}'),
        ("try-lamp", {}, '{"try":true}'),
        ("try-lamp", {"light": "hall"}, '{"try":false}'),
        ("lamp-off", {}, '{"state":"OFF","for_s":3600.0}'),
        (
            "set-lamp",
            {"color": "#ff0A00", "brightness": "50"},
            '{"state":"ON","brightness":128,"color":{"r":255,"g":10,"b":0}}',
        ),
        (
            "set-lamp",
            {"light": "old", "brightness": "1"},
            '{"state":"ON","brightness":3,"color":{"r":255,"g":255,"b":255}}',
        ),
    ],
)
async def test_each_form_sends_one_command(form: str, fields: dict[str, str], sent: str) -> None:
    actions = RecordingActions()
    posts = Posts(Latest(SNAPSHOT), cast(Commands, actions))
    name = fields.get("light", "desk")
    assert (await posts.do(form, {"light": name, **fields})).element == f"light-{name}"
    assert actions.asked == [("command_light", name, sent)]


@pytest.mark.parametrize(
    ("form", "fields", "refusal"),
    [
        ("follow", {"light": "attic"}, "no such light"),
        ("follow", {}, "no such light"),
        ("try-lamp", {"light": "old"}, "older and cannot do that"),
        ("lamp-off", {"light": "old"}, "older and cannot do that"),
        ("set-lamp", {"light": "desk", "color": "red"}, "Choose a colour"),
        ("set-lamp", {"light": "desk", "brightness": "0"}, "1 to 100"),
        ("set-lamp", {"light": "desk", "brightness": "101"}, "1 to 100"),
        ("set-lamp", {"light": "desk", "brightness": "\u0665"}, "1 to 100"),
    ],
)
async def test_what_the_page_does_not_offer_is_refused(
    form: str, fields: dict[str, str], refusal: str
) -> None:
    actions = RecordingActions()
    posts = Posts(Latest(SNAPSHOT), cast(Commands, actions))
    with pytest.raises(RefusedError, match=refusal):
        await posts.do(form, fields)
    assert not actions.asked
