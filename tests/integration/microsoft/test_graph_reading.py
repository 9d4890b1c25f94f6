"""Reading presence from Graph: what each answer means and what is sent after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import pytest

from bridge.config.tables.config import Config
from bridge.contract.errors import (
    AccessRefusedError,
    SignInNeededError,
    SourceDataError,
    SourceUnavailableError,
)
from bridge.contract.presence import Activity, Availability, Presence
from bridge.microsoft import Microsoft
from bridge.microsoft.budget import Budget
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.graph import THROTTLE_FIRST_S, THROTTLE_MOST_S, Graph
from bridge.microsoft.http import DEADLINE_S, HttpRequest
from tests.fakes.clock import ManualClock
from tests.fakes.hasty_http import Hasty
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Cut, Fault, Nonsense
from tests.fakes.microsoft.presence import Facts, StatusMessage
from tests.fakes.microsoft.wording import ZONES, Layout, Wording
from tests.integration.microsoft.conftest import Bridge, Start

READ = "me.presence"
CLAIMS = '{"access_token": {"nbf": {"essential": true, "value": "1764576000"}}}'


async def read(bridge: Bridge) -> Presence:
    return (await bridge.account.read())["alice"]


@pytest.mark.parametrize("small", [False, True])
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("Available", "Available"), (Availability.AVAILABLE, Activity.AVAILABLE)),
        (("Busy", "InACall"), (Availability.BUSY, Activity.IN_A_CALL)),
        (("Busy", "InAMeeting"), (Availability.BUSY, Activity.IN_A_MEETING)),
        (("DoNotDisturb", "Presenting"), (Availability.DO_NOT_DISTURB, Activity.PRESENTING)),
        (("BeRightBack", "BeRightBack"), (Availability.BE_RIGHT_BACK, Activity.BE_RIGHT_BACK)),
        (("Offline", "Offline"), (Availability.OFFLINE, Activity.OFFLINE)),
    ],
    ids=lambda pair: pair[1] if isinstance(pair[0], str) else "",
)
async def test_both_layouts_and_casings_mean_the_same(
    alices: Bridge,
    home: Household,
    words: tuple[str, str],
    expected: tuple[Availability, Activity],
    layout: Layout,
    *,
    small: bool,
) -> None:
    home.directory.change(home.person, *words, status_message="back at 3")
    home.directory.wording = Wording(layout, small_schema=small)
    presence = await read(alices)
    assert (presence.availability, presence.activity) == expected
    assert presence.status_message == "back at 3"
    assert (presence.sequence_number is None) is small


@pytest.mark.parametrize("zone", ZONES)
async def test_the_end_of_a_message_is_the_same_moment_in_every_zone(
    alices: Bridge, home: Household, clock: ManualClock, zone: str
) -> None:
    ends = clock.now() + timedelta(hours=5)
    home.directory.wording = Wording(zone=zone)
    home.directory.put(home.person, Facts(status=StatusMessage("lunch", clock.now(), ends)))
    presence = await read(alices)
    assert (presence.status_message, presence.status_message_until) == ("lunch", ends)


@pytest.mark.parametrize("layout", list(Layout))
async def test_a_call_is_seen_beside_an_out_of_office(
    alices: Bridge, home: Household, layout: Layout
) -> None:
    home.directory.wording = Wording(layout)
    home.directory.change(home.person, "Busy", "InACall", out_of_office=True)
    presence = await read(alices)
    assert (presence.in_call, presence.out_of_office) == (True, True)
    home.directory.change(home.person, "", "")
    presence = await read(alices)
    assert (presence.busy, presence.in_call, presence.out_of_office) == (None, None, True)


async def test_a_request_says_who_asks_and_can_be_distinguished_from_others(
    alices: Bridge, microsoft: ScriptedMicrosoft, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "bridge")
    microsoft.faults.add(Fault(READ, status=500))
    with pytest.raises(SourceUnavailableError) as refused:
        await alices.account.read()
    await alices.account.read()
    assert (refused.value.reason or "").startswith("generalException: ")
    first, second = microsoft.requests.of(READ)
    assert first.headers["user-agent"].startswith("presence-bridge/")
    assert first.headers["client-request-id"] != second.headers["client-request-id"]
    (line,) = [text for text in caplog.messages if "answered 500" in text]
    assert first.headers["client-request-id"] in line
    assert str(refused.value.reason) in line
    assert "DataCenter" in line
    assert "GMT" in line


async def test_a_refused_token_is_replaced_once(
    alices: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.tokens.revoke_access(alice.oid)
    assert (await read(alices)).availability == "available"
    assert [entry.status for entry in microsoft.requests.of(READ)] == [401, 200]
    assert microsoft.requests.count("token.refresh_token") == 1
    await read(alices)
    assert microsoft.requests.count("token.refresh_token") == 1


async def test_two_refused_tokens_are_a_persons_job(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(READ, status=401, times=2))
    with pytest.raises(AccessRefusedError, match=r"HTTP 401.*sign in again"):
        await alices.account.read()
    assert microsoft.requests.count(READ) == 2
    await read(alices)


async def test_a_claims_challenge_is_answered_with_its_claims(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(READ, challenge=CLAIMS))
    await read(alices)
    assert [entry.status for entry in microsoft.requests.of(READ)] == [401, 200]
    (refresh,) = microsoft.requests.of("token.refresh_token")
    assert b"1764576000" in refresh.body


async def test_a_claims_challenge_that_wants_a_person_ends_the_sign_in(
    alices: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    microsoft.faults.add(Fault(READ, challenge=CLAIMS))
    alice.refused_with = 50076
    with pytest.raises(SignInNeededError, match="Multi-factor"):
        await alices.account.read()


@pytest.mark.parametrize(
    "header",
    ['Bearer error="insufficient_claims"', 'Bearer error="insufficient_claims", claims="a"', "?"],
)
async def test_a_challenge_that_cannot_be_read_is_an_ordinary_401(
    alices: Bridge, microsoft: ScriptedMicrosoft, header: str
) -> None:
    microsoft.faults.add(Fault(READ, status=401, headers={"WWW-Authenticate": header}))
    await read(alices)
    assert microsoft.requests.count("token.refresh_token") == 1


@pytest.mark.parametrize(("status", "words"), [(403, "Teams licence"), (404, "Teams have one")])
async def test_a_refusal_names_what_to_do_and_ends_with_its_cause(
    alices: Bridge, microsoft: ScriptedMicrosoft, status: int, words: str
) -> None:
    microsoft.faults.add(Fault(READ, status=status))
    with pytest.raises(AccessRefusedError, match=words) as caught:
        await alices.account.read()
    assert words in caught.value.remedy
    assert microsoft.requests.count(READ) == 1
    await read(alices)


@pytest.mark.parametrize("status", [429, 503, 509])
async def test_nothing_is_sent_for_as_long_as_graph_asks(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, status: int
) -> None:
    microsoft.faults.add(Fault(READ, status=status, retry_after=120))
    began = clock.now()
    for left in (120, 120, 61, 2):
        await clock.advance(120 - left - (clock.now() - began).total_seconds())
        with pytest.raises(SourceUnavailableError) as caught:
            await alices.account.read()
        assert caught.value.retry_after_s == left
        assert alices.account.throttled_until == began + timedelta(seconds=120)
    assert microsoft.requests.count(READ) == 1
    await clock.advance(2)
    await read(alices)
    assert alices.account.throttled_until is None


async def test_a_date_is_as_good_as_seconds(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    until = clock.now() + timedelta(seconds=90)
    date = format_datetime(until, usegmt=True)
    microsoft.faults.add(Fault(READ, status=429, retry_after=date))
    with pytest.raises(SourceUnavailableError) as caught:
        await alices.account.read()
    assert caught.value.retry_after_s == 90
    assert alices.account.throttled_until == until


@pytest.mark.parametrize("off_s", [-600, 600])
async def test_a_date_counts_from_that_of_the_answer_when_a_clock_is_wrong(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, off_s: float
) -> None:
    theirs = clock.now() + timedelta(seconds=off_s)
    date, later = (format_datetime(theirs + timedelta(seconds=s), usegmt=True) for s in (0, 90))
    microsoft.faults.add(Fault(READ, status=429, retry_after=later, headers={"Date": date}))
    until = clock.now() + timedelta(seconds=90)
    with pytest.raises(SourceUnavailableError):
        await alices.account.read()
    assert alices.account.throttled_until == until


@pytest.mark.parametrize(
    "header", ["86400", "9" * 400, "Thu, 31 Dec 9998 23:59:59 GMT", "Fri, 31 Dec 9999 23:59 -2359"]
)
async def test_no_wish_for_silence_is_believed_for_more_than_an_hour(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, header: str
) -> None:
    microsoft.faults.add(Fault(READ, status=429, retry_after=header))
    with pytest.raises(SourceUnavailableError) as caught:
        await alices.account.read()
    assert 0 < (caught.value.retry_after_s or 0) <= 3600
    await clock.advance(3600)
    await read(alices)


async def test_a_503_that_names_no_wait_silences_nobody(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(READ, status=503))
    with pytest.raises(SourceUnavailableError) as caught:
        await alices.account.read()
    assert (caught.value.retry_after_s, caught.value.reached) == (None, True)
    assert alices.account.throttled_until is None
    await read(alices)


@pytest.mark.parametrize("header", [None, "soon", "-5"])
async def test_without_a_usable_header_the_waits_double_until_a_good_answer(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, header: str | None
) -> None:
    microsoft.faults.add(Fault(READ, status=429, retry_after=header, times=8))
    waits: list[float | None] = []
    for _ in range(8):
        with pytest.raises(SourceUnavailableError) as caught:
            await alices.account.read()
        waits.append(caught.value.retry_after_s)
        await clock.advance(caught.value.retry_after_s or 0)
    assert waits == [3, 6, 12, 24, 48, 96, THROTTLE_MOST_S, THROTTLE_MOST_S]
    await read(alices)
    microsoft.faults.add(Fault(READ, status=429))
    with pytest.raises(SourceUnavailableError) as caught:
        await alices.account.read()
    assert caught.value.retry_after_s == THROTTLE_FIRST_S


async def test_a_pause_goes_on_after_a_restart(
    start: Start, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    async with start() as running:
        await running.sign_in(alice)
        microsoft.faults.add(Fault(READ, status=429, retry_after=120))
        with pytest.raises(SourceUnavailableError):
            await running.account.read()
    microsoft.requests.clear()
    await clock.advance(50)
    async with start() as again:
        assert again.account.throttled_until == clock.now() + timedelta(seconds=70)
        with pytest.raises(SourceUnavailableError) as caught:
            await again.account.read()
        assert caught.value.retry_after_s == 70
        assert microsoft.requests.count(READ) == 0
        await clock.advance(70)
        await read(again)


async def test_accounts_of_one_app_in_one_tenant_pause_together(
    config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, home: Household
) -> None:
    fabrikam = home.directory.add_tenant("fabrikam.com")
    accounts = {"alice": {}, "bob": {}, "eve": {"tenant": fabrikam.domain}}
    both = Config.model_validate({**config.model_dump(), "accounts": accounts})
    async with Microsoft(both, clock) as opened:
        alice, bob, eve = (opened.account(slug) for slug in accounts)
        alice._budget.block(60)
        assert bob.throttled_until == clock.now() + timedelta(seconds=60)
        assert eve.throttled_until is None
        assert opened.requests_allowed_hour == 2 * 180_000


async def test_requests_are_counted_failed_ones_too(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault(READ, status=401), Fault(READ, status=500))
    with pytest.raises(SourceUnavailableError):
        await alices.account.read()
    await read(alices)
    assert alices.microsoft.requests_last_hour == microsoft.requests.count(READ) == 3


@pytest.mark.parametrize("status", [400, 500, 502, 504])
async def test_other_failures_are_retried_at_the_callers_pace(
    alices: Bridge, microsoft: ScriptedMicrosoft, status: int
) -> None:
    microsoft.faults.add(Fault(READ, status=status))
    with pytest.raises(SourceUnavailableError, match=str(status)) as caught:
        await alices.account.read()
    assert caught.value.retry_after_s is None
    await read(alices)


@pytest.mark.parametrize("body", [b"{}", b" " * 1_000_000], ids=["short", "long"])
async def test_a_503_costs_the_connection(
    alices: Bridge, microsoft: ScriptedMicrosoft, body: bytes
) -> None:
    await read(alices)
    known = connections(microsoft)
    await read(alices)
    assert connections(microsoft) <= known
    microsoft.faults.add(Fault(READ, status=503, retry_after=0, body=body))
    with pytest.raises(SourceUnavailableError):
        await alices.account.read()
    await read(alices)
    assert len(connections(microsoft) - known) == 1


def connections(microsoft: ScriptedMicrosoft) -> set[object]:
    """Those of the server: what a client keeps may be dead."""
    assert microsoft._runner is not None
    assert microsoft._runner.server is not None
    return set(microsoft._runner.server.connections)


@pytest.mark.parametrize("cut", list(Cut))
async def test_a_cut_connection_is_reported_and_replaced(
    alices: Bridge, microsoft: ScriptedMicrosoft, cut: Cut
) -> None:
    # aiohttp itself repeats a GET once when an idle connection turns out to be dead
    microsoft.faults.add(Fault(READ, cut=cut, times=2))
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        await alices.account.read()
    microsoft.faults.clear()
    await read(alices)


@pytest.mark.parametrize("kind", list(Nonsense))
async def test_nonsense_is_no_presence_and_passes(
    alices: Bridge, microsoft: ScriptedMicrosoft, kind: Nonsense
) -> None:
    microsoft.faults.add(Fault(READ, nonsense=kind))
    endless = kind is Nonsense.OVERSIZED
    with pytest.raises(SourceUnavailableError if endless else SourceDataError):
        await alices.account.read()
    await read(alices)


async def test_a_presence_in_words_of_the_future_is_shown_as_other(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    body = b'{"id": "x", "availability": "Levitating", "activity": "hummingAlong"}'
    microsoft.faults.add(Fault(READ, body=body))
    presence = await read(alices)
    assert (presence.availability, presence.activity) == (Availability.OTHER, Activity.OTHER)
    assert (presence.raw_availability, presence.raw_activity) == ("Levitating", "hummingAlong")


async def test_an_answer_beyond_the_deadline_is_given_up(
    hasty: Graph, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    microsoft.faults.add(Fault(READ, delay_s=DEADLINE_S + 1))
    async with asyncio.timeout(5):
        with pytest.raises(SourceUnavailableError, match="no answer in time"):
            await hasty.my_presence()
    await hasty.my_presence()


def test_the_deadline_of_the_product_is_ten_seconds() -> None:
    assert HttpRequest("GET", "https://graph.example").deadline_s == DEADLINE_S == 10


@pytest.fixture
async def hasty(
    alices: Bridge, config: Config, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> AsyncIterator[Graph]:
    """Graph as Alice sees it, waiting a second for an answer."""
    async with aiohttp_client(config.network) as http:
        yield Graph(
            Hasty(http, 1.0),
            microsoft.graph_url,
            tokens=alices.account.credentials,
            budget=Budget(clock),
            clock=clock,
        )


async def test_a_server_that_is_not_trusted_is_not_sent_the_token(
    alices: Bridge, config: Config, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    network = config.network.model_copy(update={"ca_file": None})
    async with aiohttp_client(network) as http:
        graph = Graph(
            http,
            microsoft.graph_url,
            tokens=alices.account.credentials,
            budget=Budget(clock),
            clock=clock,
        )
        with pytest.raises(SourceUnavailableError, match="its certificate is not trusted"):
            await graph.my_presence()
    assert microsoft.requests.count(READ) == 0
