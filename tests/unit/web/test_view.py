from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.contract.account import AccountFacts, Followed, SignIn, SignInState, Way
from bridge.contract.errors import ContractError
from bridge.contract.health import Health
from bridge.contract.light import LightState
from bridge.contract.light_why import LightWhy, Reason
from bridge.contract.presence import Activity, Availability, Presence
from bridge.contract.topics import Topics
from bridge.web.data.broker_messages import light_of
from bridge.web.data.readiness import not_ready
from bridge.web.data.snapshot import Light, Refusal, Snapshot, Table
from bridge.web.data.view import View
from tests.fakes.web_page import BOTH, NOON, service

RULE = json.dumps(
    {
        "rule": "activity in_a_call",
        "account": "alice",
        "mode": "manual",
        "look": LightState(color=(255, 0, 0)).model_dump(mode="json"),
        "clock_apart_s": -360,
        "tomorrow": 1,
    }
).encode()


def facts(account: str = "alice", **changes: object) -> AccountFacts:
    known = AccountFacts(
        account,
        account.title(),
        presence=Presence(Availability.BUSY, Activity.IN_A_CALL),
        changed_at=NOON,
        polled_at=NOON,
        valid_until=NOON,
        fresh=True,
        sign_in=SignIn(SignInState.SIGNED_IN),
    )
    return known if not changes else AccountFacts(account, account.title(), **changes)  # type: ignore[arg-type]


def view() -> View:
    return View(service(), Topics("home/presence"), can_add=True)


async def settled(view: View) -> Snapshot:
    await asyncio.sleep(0)
    return view.snapshot.value


async def test_people_stand_in_the_order_in_which_they_are_followed() -> None:
    page = view()
    people = {
        "bob": Followed("Bob", ways=(Way.DEVICE_CODE,), settable=True),
        "alice": Followed("Alice", ways=BOTH),
    }
    page.follow(people, added_here={"alice"})
    page.update(facts("alice"))
    shown = (await settled(page)).people
    assert [(p.name, p.ways, p.added_here) for p in shown] == [
        ("Bob", (Way.DEVICE_CODE,), False),
        ("Alice", BOTH, True),
    ]
    assert [p.settable for p in shown] == [True, False]
    assert shown[0].presence is None
    assert shown[1].presence == facts().presence
    assert (shown[1].fresh, shown[1].changed_at) == (True, NOON)


async def test_who_is_still_followed_keeps_what_is_known_and_others_go() -> None:
    page = view()
    page.follow({"bob": Followed("Bob"), "alice": Followed("Alice")})
    page.update(facts("bob"))
    page.update(facts("alice"))
    page.update(facts("alice", sign_in=SignIn(SignInState.EXPIRED, message="over")))
    page.follow({"alice": Followed("Alice A.")})
    [alice] = (await settled(page)).people
    assert (alice.name, alice.fresh, alice.sign_in.message) == ("Alice A.", False, "over")
    version = page.snapshot.version
    page.follow({"alice": Followed("Alice A.")})
    await settled(page)
    assert page.snapshot.version == version
    page.follow({})
    assert not (await settled(page)).people
    page.update(facts("alice"))  # the last word of a poller that was just cancelled
    assert not (await settled(page)).people


async def test_what_comes_at_once_makes_one_snapshot_and_no_news_makes_none() -> None:
    page = view()
    page.follow({f"p{number}": Followed(f"P{number}") for number in range(1000)})
    for number in range(1000):
        page.update(facts(f"p{number}"))
    assert len((await settled(page)).people) == 1000
    assert page.snapshot.version == 1
    page.update(facts("p7"))
    await settled(page)
    assert page.snapshot.version == 1


async def test_health_is_taken_and_only_news_count() -> None:
    page = view()
    health = Health(
        healthy=False,
        reason="alice: x",
        next_poll=NOON,
        next_poll_why="offline",
        mqtt_reconnects=3,
        uptime_s=1,
    )
    page.update_health(health, broker_connected=True, mqtt_version="3.1.1")
    shown = (await settled(page)).service
    assert (shown.healthy, shown.reason, shown.reconnects) == (False, "alice: x", 3)
    assert (shown.broker_connected, shown.mqtt_version) == (True, "3.1.1")
    assert (shown.version, shown.next_poll_why) == ("1.2.3", "offline")
    assert not_ready(page.snapshot.value)
    older = replace(health, uptime_s=99)
    page.update_health(older, broker_connected=True, mqtt_version="3.1.1")
    await settled(page)
    assert page.snapshot.version == 1


async def test_lights_are_heard_in_any_order() -> None:
    page = view()
    assert page.topic_filters == [
        "home/presence/driver/+/state",
        "home/presence/driver/+/light/availability",
        "home/presence/driver/+/light/rule",
        "home/presence/driver/+/light/why",
        "home/presence/bridge/last_command",
    ]
    page.receive("home/presence/driver/desk/light/rule", RULE)
    page.receive("home/presence/driver/desk/light/availability", b"online")
    page.receive("home/presence/driver/desk/state", b"online")
    page.receive("home/presence/driver/attic/state", b"offline")
    attic, desk = (await settled(page)).lights
    assert attic == Light("attic")
    assert desk == Light(
        "desk",
        online=True,
        reachable=True,
        mode="manual",
        rule="activity in_a_call",
        account="alice",
        look=LightState(color=(255, 0, 0)),
        clock_apart_s=-360,
    )


async def test_why_a_light_shows_what_it_shows_is_heard_and_goes_with_its_driver() -> None:
    page = view()
    why = LightWhy(won=Reason(rule="availability busy", account="alice"), can=("try",))
    page.receive("home/presence/driver/desk/light/why", why.model_dump_json().encode())
    assert (await settled(page)).lights == (Light("desk", why=why),)
    page.receive("home/presence/driver/desk/light/why", b"")
    assert not (await settled(page)).lights


async def test_one_topic_that_somebody_erased_makes_nothing_of_the_others_wrong() -> None:
    page = view()
    page.receive("home/presence/driver/desk/state", b"online")
    page.receive("home/presence/driver/desk/light/availability", b"online")
    page.receive("home/presence/driver/desk/state", b"")
    page.receive("home/presence/driver/desk/state", b"online")
    assert (await settled(page)).lights == (Light("desk", online=True, reachable=True),)


async def test_a_driver_that_was_removed_goes() -> None:
    page = view()
    page.receive("home/presence/driver/desk/state", b"online")
    page.receive("home/presence/driver/desk/light/rule", b"")
    page.receive("home/presence/driver/desk/state", b"")
    assert not (await settled(page)).lights


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"look": {"color": "red"}}', b"\xff"])
async def test_garbage_is_ignored(payload: bytes) -> None:
    page = view()
    page.receive("home/presence/driver/desk/light/rule", payload)
    page.receive("home/presence/driver/desk/light/other", payload)
    await settled(page)
    assert page.snapshot.version == 0


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("desk", b'{"rule": "' + b"x" * 30_000_000 + b'"}'),
        ("desk", b"[" * 4_000),
        ("desk", b'{"look":' * 500),
        ("x" * 5_000, RULE),
        ("a b", RULE),
        ("", RULE),
    ],
    ids=["long", "deep", "deep-objects", "long-name", "odd-name", "no-name"],
)
async def test_a_message_out_of_bounds_is_no_message(name: str, payload: bytes) -> None:
    page = view()
    page.receive(f"home/presence/driver/{name}/light/rule", payload)
    page.receive(f"home/presence/driver/{name}/light/why", payload)
    page.receive("home/presence/bridge/last_command", payload)
    await settled(page)
    assert page.snapshot.version == 0


async def test_texts_of_others_are_cut() -> None:
    page = view()
    rule = {"rule": "r" * 1_000, "account": "a" * 1_000, "mode": "m" * 1_000}
    page.receive("home/presence/driver/desk/light/rule", json.dumps(rule).encode())
    said = {"command": "c" * 900, "account": "a" * 900, "error": "e" * 900, "remedy": "r" * 900}
    page.receive("home/presence/bridge/last_command", json.dumps(said).encode())
    presence = Presence(Availability.OTHER, status_message="s" * 9_000, raw_availability="r" * 999)
    page.follow({"alice": Followed("n" * 900)})
    page.update(replace(facts(), name="n" * 900, presence=presence))
    page.update_health(Health(healthy=False, reason="r" * 99_000), broker_connected=True)
    shown = await settled(page)
    texts = [*asdict(shown.lights[0]).values(), *asdict(shown.people[0]).values()]
    texts += [shown.service.reason, shown.people[0].presence.status_message]  # type: ignore[union-attr]
    texts += asdict(shown.refusal).values()  # type: ignore[arg-type]
    assert max(len(text) for text in texts if isinstance(text, str)) == 1_000
    assert shown.people[0].presence.raw_availability[-1] == "…"  # type: ignore[union-attr, index]


async def test_a_refused_command_is_shown_until_one_works() -> None:
    page = view()
    topic = "home/presence/bridge/last_command"
    said = {"command": "set_presence", "account": "alice", "at": NOON.isoformat(), "remedy": None}
    page.receive(topic, json.dumps({**said, "error": "Microsoft refuses."}).encode())
    refusal = (await settled(page)).refusal
    assert refusal == Refusal("set_presence", "alice", NOON, "Microsoft refuses.", None)
    page.receive(topic, b"{}")
    assert (await settled(page)).refusal == refusal
    page.receive(topic, json.dumps({**said, "error": None}).encode())
    assert (await settled(page)).refusal is None
    page.receive(topic, json.dumps({**said, "error": "no"}).encode())
    page.receive(topic, b"")
    assert (await settled(page)).refusal is None


async def test_people_who_are_read_together_have_one_sign_in() -> None:
    page = view()
    page.follow({name: Followed(name, ways=BOTH, table="team") for name in ("ann", "ben")})
    waits = SignIn(SignInState.CODE_PENDING, "CODE", "https://login.microsoft.com/device")
    page.update(facts("ann", sign_in=waits))
    [table] = (await settled(page)).tables
    assert table == Table("team", 2, waits, BOTH)
    page.update(facts("ben"))
    assert (await settled(page)).tables[0].sign_in.state is SignInState.SIGNED_IN
    page.follow({"ann": Followed("ann", ways=BOTH, table="team"), "bob": Followed("Bob")})
    shown = await settled(page)
    assert [(t.account, t.people) for t in shown.tables] == [("team", 1)]
    assert [p.table for p in shown.people] == ["team", None]
    page.follow({"bob": Followed("Bob")})
    assert not (await settled(page)).tables


async def test_only_so_many_lights_are_remembered() -> None:
    page = view()
    for number in range(600):
        page.receive(f"home/presence/driver/d{number}/state", b"online")
    assert len((await settled(page)).lights) == 500


@given(leaf=st.text(), payload=st.binary())
def test_no_message_breaks_it(leaf: str, payload: bytes) -> None:
    try:
        light_of(Light("desk"), leaf, payload)
        light_of(Light("desk"), "light/rule", payload)
        light_of(Light("desk"), "light/why", payload)
    except ContractError:
        pass


async def test_that_another_node_serves_is_shown_until_this_one_does() -> None:
    page, well = view(), Health(healthy=True)
    page.update_health(well, broker_connected=False, standby="standby: a serves")
    waiting = await settled(page)
    assert waiting.service.standby == not_ready(waiting) == "standby: a serves"
    page.update_health(well, broker_connected=True)
    assert not (await settled(page)).service.standby
