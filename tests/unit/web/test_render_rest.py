from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup

from bridge.contract.account import SignIn, SignInState, Way
from bridge.contract.presence_kind import Kind
from bridge.web.data.page_words import Calendar
from bridge.web.data.snapshot import Day, Person, Refusal, Snapshot, Span, Table
from bridge.web.render.document import login_page, message_page
from bridge.web.render.health import health_section
from bridge.web.render.lights import lights_section
from bridge.web.render.page import page
from bridge.web.render.today import ROWS, today_section
from tests.fakes.rows import rows
from tests.fakes.web_page import NOON, light, person, service, waiting
from tests.unit.web.reading import Reading, parts_of_all

CALENDAR = Calendar.at(NOON, NOON.tzinfo)
WAITS = "standby: a serves, this node (b) waits"
REFUSED = person("dave", sign_in=SignIn(SignInState.ERROR))
EVIL = "<script>x</script>"
START = NOON - timedelta(hours=24)


def day(*spans: Span) -> Day:
    return Day("alice", "Alice", START, NOON, spans)


def today(*spans: Span, calendar: Calendar = CALENDAR) -> Reading:
    section = today_section((day(*spans),), calendar)
    assert section
    return Reading(section)


def test_a_strip_shows_each_span_in_its_place_and_the_time_in_calls() -> None:
    shown = today(
        Span(START, START + timedelta(hours=6), Kind.OFFLINE),
        Span(START + timedelta(hours=6), START + timedelta(hours=18), Kind.AVAILABLE),
        Span(START + timedelta(hours=18), NOON, Kind.CALL),
    )
    strip = [r for r in shown.all("rect") if "x" in r]
    assert [(r["x"], r["width"], r["class"]) for r in strip] == [
        ("0%", "25%", "offline"),
        ("25%", "50%", "available"),
        ("75%", "25%", "call"),
    ]
    assert shown.all("svg")[0]["aria-label"] == "Alice: 6 h 00 min in calls, 0 min busy otherwise"
    assert "6 h 00 min in calls" in shown.words


def test_the_table_says_the_same_for_those_who_do_not_see_the_strip() -> None:
    shown = today(
        Span(START, NOON - timedelta(minutes=25), Kind.AWAY),
        Span(NOON - timedelta(minutes=25), NOON, Kind.CALL),
    )
    assert "From For Presence Sun 12:00 23 h 35 min Away 11:35 25 min In a call" in shown.words
    assert all(head == {"scope": "col"} for head in shown.all("th"))


def test_a_long_table_keeps_the_newest() -> None:
    spans = [
        Span(START + timedelta(minutes=n), START + timedelta(minutes=n + 1), Kind.AWAY)
        for n in range(ROWS + 5)
    ]
    shown = today(*spans)
    assert f"Only the last {ROWS}" in shown.words
    assert len(shown.all("td")) == 3 * ROWS


def test_the_hours_are_those_of_the_wall_clock_also_when_summer_time_ends() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    end = datetime(2026, 10, 25, 12, 0, tzinfo=UTC)  # 13:00; the night had 25 hours
    start = end - timedelta(hours=24)
    whole = Day("a", "A", start, end, (Span(start, end, Kind.AWAY),))
    section = today_section((whole,), Calendar.at(end, berlin))
    assert section
    shown = Reading(section)
    labels = [(t["x"]) for t in shown.all("text")]
    # 18:00 is 16:00 UTC, 00:00 is 22:00 UTC, 06:00 is 05:00 UTC, 12:00 is 11:00 UTC
    assert labels == ["16.67%", "41.67%", "70.83%", "95.83%"]


def test_without_history_there_is_no_strip() -> None:
    assert today_section((), CALENDAR) is None


def test_health_says_the_numbers() -> None:
    section = health_section(Snapshot(service(), (person(),)), CALENDAR)
    words = Reading(section).words
    assert words.startswith("Health All is well. Read now Details Broker")
    for fact in (
        "Broker connected, MQTT 5.0, localhost:1883",
        "Microsoft answers",
        "Last good read 11:59",
        "Next read 12:00, somebody works",
        "Requests in the last hour 731 of 180,000 allowed",
        "Version 1.2.3",
    ):
        assert fact in words
    assert "Messages that wait" not in words


@rows(
    ("changes", "words"),
    [
        ({"broker_connected": False, "waiting": 3}, "The broker cannot be reached"),
        (
            {"broker_connected": False, "broker_dispute": "another program uses it: stop one"},
            "Another program uses it: stop one.",
        ),
        ({"waiting": 3}, "Messages that wait 3"),
        ({"healthy": False, "reason": "alice: no answer"}, "alice: no answer"),
        ({"throttled_until": NOON + timedelta(minutes=2)}, "asked us to wait until 12:02"),
        ({"consecutive_failures": 4}, "4 failures in a row"),
        ({"consecutive_failures": 1}, "Microsoft the last read failed"),
        ({"next_poll": None}, "Microsoft answered at 11:59"),
        ({"next_poll": None}, "Next read waits for a sign-in"),
        ({"last_poll_ok": None}, "Last good read never"),
        ({"requests_allowed_hour": 0}, "Requests in the last hour 731 Reconnects"),
    ],
)
def test_health_says_what_is_wrong(changes: dict[str, object], words: str) -> None:
    snapshot = Snapshot(service(**changes), (person(),))
    assert words in Reading(health_section(snapshot, CALENDAR)).words


def test_health_waits_for_who_must_sign_in_and_blames_nobody() -> None:
    def shown(*people: Person, **changes: object) -> str:
        unwell = service(healthy=False, reason="alice: sign-in needed.", **changes)
        section = health_section(Snapshot(unwell, people, tables=tables), CALENDAR)
        classes = {p.get("class") for p in Reading(section).all("p")}
        assert not classes & {"warn", "good"}
        return Reading(section).words

    tables: tuple[Table, ...] = ()
    one = shown(waiting("alice", name="Alice B."), person("bob"))
    assert "Waiting for Alice B. to sign in." in one
    assert "failed" not in one
    several = [waiting(name) for name in ("alice", "bob", "carol", "dave", "erin")]
    assert "Waiting for Alice and Bob to sign in." in shown(*several[:2])
    assert "Waiting for Alice, Bob and Carol to sign in." in shown(*several[:3])
    assert "Waiting for Alice, Bob and 3 others to sign in." in shown(*several)
    tables = (Table("team", 2, ways=(Way.DEVICE_CODE,)),)
    both = [waiting(name, table="team") for name in ("alice", "bob")]
    assert "Waiting for team to sign in." in shown(*both)


@rows(
    ("snapshot", "words"),
    [
        (Snapshot(service()), "Nobody is followed yet."),
        (Snapshot(service(last_poll_ok=None), (person(),)), "Starting: nobody was read yet."),
        (Snapshot(service(), (waiting(ways=()),)), "All is well."),
        (Snapshot(service(), (REFUSED, person())), "Microsoft refuses the sign-in of Dave."),
        (Snapshot(service(healthy=False, failing=True, reason="Bob: x"), (waiting(),)), "Bob: x"),
        (Snapshot(service(standby=WAITS), (person(),)), f"S{WAITS[1:]}."),
        (Snapshot(service(standby=WAITS, broker_connected=False), ()), f"S{WAITS[1:]}."),
        (Snapshot(service(standby=WAITS, healthy=False, reason="Bob: x"), ()), "Bob: x"),
    ],
)
def test_health_begins_with_one_line(snapshot: Snapshot, words: str) -> None:
    assert f"Health {words}" in Reading(health_section(snapshot, CALENDAR)).words


def test_the_page_has_one_of_each_landmark_and_relative_addresses_only() -> None:
    snapshot = Snapshot(service(), (person(),), (light(mode="off"),), can_add=True)
    parts = parts_of_all(snapshot, CALENDAR)
    whole = page(parts, release="r1", as_of=Markup("12:00"), refusal=EVIL, can_leave=True)
    shown = Reading(whole.partition("\n")[2])
    assert not [s for s in shown.all("script") if "src" not in s]
    assert len(shown.all("main")) == len(shown.all("h1")) == 1
    ids = [a["id"] for _, a in shown.elements if "id" in a]
    assert len(ids) == len(set(ids))
    addresses = [
        a[key]
        for name, a in shown.elements
        for key in ("href", "src", "action")
        if key in a and name != "a"
    ]
    assert addresses
    assert not [a for a in addresses if a is None or a.startswith("/") or ":" in a]
    labels = {a["for"] for a in shown.all("label") if "for" in a}
    assert labels <= set(ids)
    assert "style=" not in whole


def test_the_small_pages_escape_too() -> None:
    assert (
        "first line of the file that password_file in [web]"
        in Reading(login_page().partition("\n")[2]).words
    )
    for markup in (login_page(EVIL), message_page(EVIL, EVIL)):
        assert not [s for s in Reading(markup.partition("\n")[2]).all("script") if "src" not in s]


def test_a_refused_command_stands_above_all_else() -> None:
    refusal = Refusal("set_presence", "alice", NOON, "Microsoft says <no>.", "Ask your admin.")
    parts = parts_of_all(Snapshot(service(), (person(),), refusal=refusal), CALENDAR)
    whole = page(parts, release="1", as_of=Markup("12:00"))
    shown = Reading(parts.sections["refusal"])
    told = "Refused: Set presence for Alice (12:00) Microsoft says <no>. Ask your admin."
    assert shown.words == told
    assert whole.index('id="refusal"') < whole.index('id="people"')
    gone = parts_of_all(Snapshot(service(), (person(),)), CALENDAR)
    assert dict(gone.since(parts.versions))["refusal"] == '<section id="refusal"></section>'


def test_strips_are_rendered_only_when_they_moved() -> None:
    days = (day(Span(START, NOON, Kind.AWAY)),)
    snapshot = Snapshot(service(), (person(),), days=days)
    first = parts_of_all(snapshot, CALENDAR)
    read = replace(snapshot, people=(person(polled_at=NOON),))
    assert parts_of_all(read, CALENDAR).sections["today"] is first.sections["today"]
    moved = replace(snapshot, days=(day(Span(START, NOON, Kind.CALL)),))
    assert "in calls" in Reading(parts_of_all(moved, CALENDAR).sections["today"]).words
    assert [name for name, _ in parts_of_all(moved, CALENDAR).since(first.versions)] == ["today"]


def test_the_first_day_says_what_comes_next_for_lamps_and_home_assistant() -> None:
    shown = Reading(str(lights_section(Snapshot(service()), CALENDAR)))
    assert "No lamp yet" in shown.words
    assert "presence-driver" in shown.words
    assert "Home Assistant" in shown.words
    assert service().broker in shown.words
    assert "No lamp yet" not in str(
        lights_section(Snapshot(service(), lights=(light(),)), CALENDAR)
    )
