"""Setting presence and status message, as Teams then shows them to others."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import (
    AccessRefusedError,
    ContractError,
    SignInNeededError,
    SourceUnavailableError,
)
from bridge.contract.preferred import Preferred, PreferredLocation, PreferredPresence
from bridge.microsoft import Writer
from bridge.microsoft.writing import LOCATIONS, NOT_SHOWN, PAIRS
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import App, Household, Person
from tests.fakes.microsoft.faults import Fault
from tests.fakes.microsoft.wording import Wording
from tests.integration.microsoft.conftest import Bridge, started

AUTOMATIC, BUSY = PreferredPresence.AUTOMATIC, PreferredPresence.BUSY


@pytest.fixture
def writing(config: Config) -> Config:
    return Config.model_validate(
        config.model_dump() | {"accounts": {"alice": {"set_presence": True}}}
    )


@pytest.fixture
async def signed_in(
    writing: Config, clock: ManualClock, microsoft: ScriptedMicrosoft, alice: Person
) -> AsyncIterator[Bridge]:
    async with started(writing, clock, microsoft) as running:
        await running.sign_in(alice)
        yield running


@pytest.fixture
def writer(signed_in: Bridge) -> Writer:
    assert signed_in.account.writer is not None
    return signed_in.account.writer


def shown(home: Household) -> tuple[str, str]:
    facts = home.directory.facts_of(home.person)
    return facts.shown.availability, facts.shown.activity


def sent(microsoft: ScriptedMicrosoft, what: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(microsoft.requests.of(f"user.{what}")[-1].body)
    return body


async def test_nothing_can_be_set_unless_the_config_says_so(
    alices: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    assert alices.account.writer is None
    assert b"ReadWrite" not in microsoft.requests.of("devicecode")[0].body


async def test_the_permission_to_write_is_asked_for_only_then(
    signed_in: Bridge, microsoft: ScriptedMicrosoft
) -> None:
    assert signed_in.account.writer is not None
    assert b"Presence.ReadWrite" in microsoft.requests.of("devicecode")[0].body


@pytest.mark.parametrize("presence", list(PAIRS))
async def test_every_state_is_shown_until_it_is_cleared(
    writer: Writer, home: Household, clock: ManualClock, presence: PreferredPresence
) -> None:
    assert await writer.prefer(presence, None) is None
    assert shown(home) == PAIRS[presence]
    days = 1 if presence in (BUSY, PreferredPresence.DO_NOT_DISTURB) else 7
    assert writer.preferred == Preferred(presence, clock.now() + timedelta(days=days))
    await writer.prefer(AUTOMATIC, None)
    assert shown(home) == ("Available", "Available")
    assert writer.preferred == Preferred(AUTOMATIC)


async def test_it_ends_by_itself_when_its_time_is_over_here_and_at_microsoft(
    writer: Writer, home: Household, clock: ManualClock
) -> None:
    await writer.prefer(BUSY, timedelta(minutes=45))
    await clock.advance(45 * 60 - 1)
    assert shown(home) == ("Busy", "Busy")
    assert writer.preferred.presence is BUSY
    await clock.advance(1)
    assert shown(home) == ("Available", "Available")
    assert writer.preferred == Preferred(AUTOMATIC)


@pytest.mark.parametrize("minutes", [-5, 0, 4, 7 * 24 * 60 + 1])
async def test_times_that_microsoft_does_not_take_are_refused_before_it_is_asked(
    writer: Writer, microsoft: ScriptedMicrosoft, minutes: int
) -> None:
    with pytest.raises(ContractError, match="minutes must be from 5 to 10080"):
        await writer.prefer(BUSY, timedelta(minutes=minutes))
    with pytest.raises(ContractError, match="minutes must be from 5 to 10080"):
        await writer.say("hello", timedelta(minutes=minutes))
    assert microsoft.requests.count("user.*") == 0


async def test_without_a_live_session_the_answer_says_that_nobody_sees_it(
    writer: Writer, home: Household
) -> None:
    home.directory.change(home.person, "Offline")
    assert await writer.prefer(BUSY, None) == NOT_SHOWN
    assert shown(home) == ("Offline", "Offline")
    home.directory.change(home.person, "Available")
    assert shown(home) == ("Busy", "Busy")
    assert await writer.prefer(PreferredPresence.OFFLINE, None) is None


async def test_a_status_message_is_set_ends_and_is_removed(
    writer: Writer, signed_in: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    await writer.say("zurück um 3 ☕", None)
    assert (await signed_in.account.read())["alice"].status_message == "zurück um 3 ☕"
    assert "expiryDateTime" not in sent(microsoft, "set_status")["statusMessage"]

    await writer.say("back soon", timedelta(minutes=30))
    ends = sent(microsoft, "set_status")["statusMessage"]["expiryDateTime"]
    assert ends["timeZone"] == "UTC"
    assert "+" not in ends["dateTime"]
    await clock.advance(30 * 60)
    assert (await signed_in.account.read())["alice"].status_message is None

    await writer.say("again", None)
    await writer.say("", timedelta(minutes=30))
    assert (await signed_in.account.read())["alice"].status_message is None
    with pytest.raises(ContractError, match="at most 280 characters"):
        await writer.say("x" * 281, None)


async def test_where_somebody_works_is_set_read_with_its_source_and_cleared(
    writer: Writer, signed_in: Bridge, microsoft: ScriptedMicrosoft, home: Household
) -> None:
    home.directory.change(home.person, work_location="office")

    async def where() -> tuple[object, ...]:
        presence = (await signed_in.account.read())["alice"]
        return presence.work_location, presence.work_location_source, presence.place_id

    assert await where() == ("office", "scheduled", None)
    for location, word in LOCATIONS.items():
        await writer.locate(location, None)
        assert sent(microsoft, "set_location") == {"workLocationType": word}
        assert await where() == (location, "manual", None)
    await writer.locate(PreferredLocation.OFFICE, "place-1")
    assert await where() == ("office", "manual", "place-1")
    await writer.locate(PreferredLocation.AUTOMATIC, None)
    assert microsoft.requests.of("user.clear_location")[-1].body == b""
    assert await where() == ("office", "scheduled", None)


@pytest.mark.parametrize("place_id", ["x" * 129, "a\nb"])
async def test_what_is_no_place_is_refused_before_microsoft_is_asked(
    writer: Writer, microsoft: ScriptedMicrosoft, place_id: str
) -> None:
    with pytest.raises(ContractError, match="place_id is an id of at most 128 characters"):
        await writer.locate(PreferredLocation.OFFICE, place_id)
    assert microsoft.requests.count("user.*") == 0


async def test_a_cloud_without_work_locations_is_reported_with_what_may_be_missing(
    writer: Writer, signed_in: Bridge, home: Household, microsoft: ScriptedMicrosoft
) -> None:
    home.directory.wording = Wording(small_schema=True)
    for location in (PreferredLocation.OFFICE, PreferredLocation.AUTOMATIC):
        with pytest.raises(AccessRefusedError, match=r"government clouds know no work") as refused:
            await writer.locate(location, None)
        assert "Resource not found for the segment" in str(refused.value.reason)
    assert (await signed_in.account.read())["alice"].work_location is None
    microsoft.faults.add(Fault("user.set_location", status=429, retry_after=60))
    with pytest.raises(SourceUnavailableError) as caught:
        await writer.locate(PreferredLocation.OFFICE, None)
    assert caught.value.retry_after_s == 60


async def test_clear_clears_both(writer: Writer, home: Household) -> None:
    await writer.prefer(BUSY, None)
    await writer.say("away", None)
    await writer.clear()
    facts = home.directory.facts_of(home.person)
    assert (facts.preferred, facts.status) == (None, None)


async def test_what_was_set_is_remembered_over_a_restart(
    writer: Writer, writing: Config, clock: ManualClock, microsoft: ScriptedMicrosoft
) -> None:
    await writer.prefer(BUSY, None)
    set_before = writer.preferred
    await writer.close()
    async with started(writing, clock, microsoft) as again:
        assert again.account.writer is not None
        assert again.account.writer.preferred == set_before
    (writing.state_dir / "preferred" / "alice.json").write_text("{ half", encoding="utf-8")
    async with started(writing, clock, microsoft) as third:
        assert third.account.writer is not None
        assert third.account.writer.preferred == Preferred()


async def test_what_is_refused_changes_nothing_and_says_what_is_missing(
    writer: Writer, microsoft: ScriptedMicrosoft
) -> None:
    microsoft.faults.add(Fault("user.set_preferred", status=403))
    with pytest.raises(AccessRefusedError, match=r"setUserPreferredPresence.*Presence\.ReadWrite"):
        await writer.prefer(BUSY, None)
    assert writer.preferred == Preferred()
    microsoft.faults.add(Fault("user.set_preferred", status=429, retry_after=60))
    with pytest.raises(SourceUnavailableError) as caught:
        await writer.prefer(BUSY, None)
    assert caught.value.retry_after_s == 60


async def test_what_was_set_counts_also_when_nobody_can_see_whether_it_is_shown(
    writer: Writer, home: Household, microsoft: ScriptedMicrosoft
) -> None:
    await writer.prefer(AUTOMATIC, None)
    microsoft.faults.add(Fault("me.presence", status=500))
    assert await writer.prefer(BUSY, None) is None
    assert shown(home) == ("Busy", "Busy")
    assert writer.preferred.presence is BUSY


async def test_a_disk_that_refuses_costs_only_the_memory_of_it(
    writer: Writer, writing: Config, home: Household, caplog: pytest.LogCaptureFixture
) -> None:
    (writing.state_dir / "preferred").write_text("no folder", encoding="utf-8")
    for presence in (BUSY, PreferredPresence.AWAY):
        await writer.prefer(presence, None)
        await writer.close()
    assert shown(home) == ("Away", "Away")
    assert writer.preferred.presence is PreferredPresence.AWAY
    assert caplog.text.count("cannot be written") == 1


async def test_nobody_who_signed_in_only_to_read_is_made_to_write(
    alices: Bridge,
    writing: Config,
    clock: ManualClock,
    microsoft: ScriptedMicrosoft,
    app: App,
) -> None:
    app.consented = {"Presence.Read", "User.Read"}
    assert "alice" in await alices.account.read()
    async with started(writing, clock, microsoft) as changed:
        with pytest.raises(SignInNeededError, match="consent"):
            await changed.account.read()


async def test_it_is_allowed_while_the_account_goes_on_and_the_next_sign_in_asks_for_it(
    bridge: Bridge, writing: Config, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    await bridge.sign_in(alice)
    await bridge.account.read()
    asked = microsoft.requests.count("token*")
    bridge.microsoft.use(writing)
    bridge.microsoft.let_write(bridge.account)
    await bridge.account.read()
    assert microsoft.requests.count("token*") == asked
    assert bridge.account.sign_in.value.state is SignInState.SIGNED_IN
    assert bridge.account.writer is not None
    with pytest.raises(AccessRefusedError, match="sign in again"):
        await bridge.account.writer.prefer(BUSY, None)
    await bridge.sign_in(alice)
    await bridge.account.writer.prefer(BUSY, None)
    microsoft.tokens.revoke_access(alice.oid)
    await bridge.account.writer.prefer(BUSY, None)
