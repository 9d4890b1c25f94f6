"""Whose account a sign-in is: shown, asked about where it is not the expected one, or pinned."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from bridge.config.tables.config import Config
from bridge.contract.account import SignIn, SignInState
from bridge.contract.errors import PersonMustActError, SignInNeededError
from bridge.contract.topics import Topics
from bridge.publishing.account_messages import auth
from tests.fakes.clock import ManualClock
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.integration.microsoft.conftest import Bridge, Start, started
from tests.integration.microsoft.office import Office

SIGNED_IN, EXPIRED = SignInState.SIGNED_IN, SignInState.EXPIRED
ALICE, BOB = "alice@contoso.com", "bob@contoso.com"
Starting = Callable[..., AbstractAsyncContextManager[Bridge]]


@pytest.fixture
def bob(home: Household) -> Person:
    return home.directory.add_person(home.tenant, BOB, name="Bob Example")


@pytest.fixture
def start_as(config: Config, clock: ManualClock, microsoft: ScriptedMicrosoft) -> Starting:
    """Starts the bridge with other values in ``[accounts.alice]``."""

    def start(**values: object) -> AbstractAsyncContextManager[Bridge]:
        accounts = {"alice": {"name": "Alice"} | values}
        changed = Config.model_validate(config.model_dump() | {"accounts": accounts})
        return started(changed, clock, microsoft)

    return start


async def somebody_signs_in(bridge: Bridge, person: Person) -> SignIn:
    """``person`` enters a code; the sign-in once that came through."""
    bridge.simulated.approve(await bridge.code(), person)
    await bridge.poll()
    async for now in bridge.account.sign_in.watch():
        if not now.waits:
            return now
    raise AssertionError("watch never ends")


async def who_is_read(bridge: Bridge) -> str | None:
    """Whose token reads presence now."""
    await bridge.account.read()
    return bridge.simulated.requests.of("me.presence")[-1].person


# It is shown.


async def test_who_is_signed_in_is_shown_at_once_and_after_a_restart(
    start: Start, alice: Person, cache_file: Path
) -> None:
    async with start() as running:
        assert (await somebody_signs_in(running, alice)) == SignIn(SIGNED_IN, signed_in_as=ALICE)
    assert ALICE in await asyncio.to_thread(cache_file.read_text)  # msal's note, of any release
    async with start() as restarted:
        await restarted.account.read()
        assert restarted.account.sign_in.value.signed_in_as == ALICE


async def test_it_stands_in_auth_and_not_in_what_lamps_get(
    alices: Bridge, clock: ManualClock
) -> None:
    sign_in = alices.account.sign_in.value
    payload = json.loads(auth(Topics().account("alice", "auth"), sign_in, clock.now()).payload)
    assert payload["signed_in_as"] == ALICE
    assert sign_in.word == "signed_in"


async def test_it_stays_shown_beside_a_code_and_goes_with_the_sign_out(
    alices: Bridge,
) -> None:
    await alices.code()
    assert alices.account.sign_in.value.signed_in_as == ALICE
    await alices.account.credentials.sign_out()
    assert alices.account.sign_in.value == SignIn()


async def test_a_new_address_of_the_same_person_is_shown_and_not_asked_about(
    alices: Bridge, alice: Person
) -> None:
    alice.upn, alice.name = "alice.jones@contoso.com", "Alice Jones"
    shown = await somebody_signs_in(alices, alice)
    assert shown == SignIn(SIGNED_IN, signed_in_as="alice.jones@contoso.com")


# Somebody else than before.


async def test_somebody_else_than_before_waits_until_they_are_kept(
    alices: Bridge, bob: Person, caplog: pytest.LogCaptureFixture
) -> None:
    shown = await somebody_signs_in(alices, bob)
    assert (shown.state, shown.signed_in_as, shown.newcomer) == (SIGNED_IN, ALICE, BOB)
    asked = f"That is Bob Example ({BOB}); so far {ALICE} was signed in for Alice."
    assert (shown.message, shown.remedy) == (asked, "Keep, or sign in again.")
    assert BOB not in caplog.text
    assert await who_is_read(alices) == ALICE
    await alices.account.credentials.keep()
    assert alices.account.sign_in.value == SignIn(SIGNED_IN, signed_in_as=BOB)
    assert await who_is_read(alices) == BOB


async def test_who_is_not_kept_leaves_all_as_it_was(
    alices: Bridge, alice: Person, bob: Person
) -> None:
    await somebody_signs_in(alices, bob)
    alices.account.credentials.cancel()
    assert alices.account.sign_in.value == SignIn(SIGNED_IN, signed_in_as=ALICE)
    with pytest.raises(PersonMustActError, match="Nobody waits to be kept"):
        await alices.account.credentials.keep()
    await somebody_signs_in(alices, bob)
    assert (await somebody_signs_in(alices, alice)).newcomer is None
    assert await who_is_read(alices) == ALICE


async def test_a_restart_takes_a_newcomer_back(start: Start, alice: Person, bob: Person) -> None:
    async with start() as running:
        await running.sign_in(alice)
        await somebody_signs_in(running, bob)
    async with start() as restarted:
        assert await who_is_read(restarted) == ALICE
        assert restarted.account.sign_in.value == SignIn(SIGNED_IN, signed_in_as=ALICE)


async def test_after_the_end_of_a_sign_in_somebody_else_waits_too(
    alices: Bridge, alice: Person, bob: Person
) -> None:
    alices.simulated.tokens.revoke(alice.oid)
    alices.simulated.tokens.revoke_access(alice.oid)
    with pytest.raises(SignInNeededError):
        await alices.account.read()
    shown = await somebody_signs_in(alices, bob)
    assert (shown.state, shown.newcomer) == (EXPIRED, BOB)
    assert shown.word == "needed"
    with pytest.raises(SignInNeededError):
        await alices.account.read()
    await alices.account.credentials.keep()
    assert await who_is_read(alices) == BOB


async def test_who_signs_out_makes_room_for_anybody_who_is_called_so(
    start_as: Starting, alice: Person, bob: Person
) -> None:
    async with start_as(name="Alice and Bob") as running:
        await running.sign_in(alice)
        await running.account.credentials.sign_out()
        assert (await somebody_signs_in(running, bob)).newcomer is None


# The first sign-in.


async def test_the_first_sign_in_by_somebody_of_another_name_is_used_and_asked_about(
    start: Start, bob: Person
) -> None:
    async with start() as running:
        shown = await somebody_signs_in(running, bob)
        assert shown.message == f"That is Bob Example ({BOB}), signed in for Alice."
        assert (shown.signed_in_as, shown.newcomer) == (BOB, BOB)
        assert await who_is_read(running) == BOB
        await running.account.credentials.keep()
        assert running.account.sign_in.value == SignIn(SIGNED_IN, signed_in_as=BOB)
        assert (await somebody_signs_in(running, bob)).newcomer is None
    async with start() as restarted:
        assert await who_is_read(restarted) == BOB
        assert restarted.account.sign_in.value == SignIn(SIGNED_IN, signed_in_as=BOB)


async def test_another_sign_in_answers_the_question(
    bridge: Bridge, alice: Person, bob: Person
) -> None:
    await somebody_signs_in(bridge, bob)
    await bridge.code()
    assert bridge.account.sign_in.value.newcomer is None
    bridge.simulated.approve(str(bridge.account.sign_in.value.user_code), alice)
    await bridge.poll()
    async with asyncio.timeout(10):
        async for shown in bridge.account.sign_in.watch():
            if shown == SignIn(SIGNED_IN, signed_in_as=ALICE):
                break
    assert await who_is_read(bridge) == ALICE
    assert (await somebody_signs_in(bridge, bob)).signed_in_as == ALICE


# A pinned person.


@pytest.mark.parametrize("by", ["address", "oid"])
async def test_nobody_but_the_pinned_person_is_let_in(
    start_as: Starting,
    alice: Person,
    bob: Person,
    by: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    user = "Alice@Contoso.com" if by == "address" else alice.oid
    async with start_as(user=user) as running:
        shown = await somebody_signs_in(running, bob)
        assert (shown.state, shown.who, shown.newcomer) == (EXPIRED, "you", None)
        pinned = ALICE if by == "address" else alice.oid
        assert shown.message == f"That is {BOB}, and Alice must be {pinned}."
        assert "private window" in str(shown.remedy)
        with pytest.raises(SignInNeededError):
            await running.account.read()
        await running.sign_in(alice)
        shown = await somebody_signs_in(running, bob)
        assert (shown.state, shown.signed_in_as) == (SIGNED_IN, ALICE)
        assert f"must be {pinned}" in str(shown.message)
        assert await who_is_read(running) == ALICE


async def test_a_stored_sign_in_of_somebody_else_is_not_used_once_a_person_is_pinned(
    start: Start, start_as: Starting, alice: Person, bob: Person, cache_file: Path
) -> None:
    async with start() as running:
        await running.sign_in(bob)
    stored = await asyncio.to_thread(cache_file.read_bytes)
    async with start_as(user=ALICE) as pinned:
        with pytest.raises(SignInNeededError, match=r"Alice must be alice@contoso\.com"):
            await pinned.account.read()
        assert pinned.simulated.requests.count("me.presence") == 0
        assert await asyncio.to_thread(cache_file.read_bytes) == stored
        waiting = await pinned.until_it_waits()
        await pinned.clock.until_asleep()
        pinned.simulated.approve(str(waiting.user_code), alice)
        await pinned.poll()
        await pinned.until_signed_in()
        assert await who_is_read(pinned) == ALICE


async def test_a_browser_proposes_the_pinned_person_and_else_lets_choose(
    start: Start, start_as: Starting
) -> None:
    async with start_as(user=ALICE) as pinned:
        assert "login_hint=alice%40contoso.com" in await pinned.address()
    async with start() as running:
        assert "prompt=select_account" in await running.address()


# One account for two tables.


async def test_one_account_for_two_tables_is_shown_on_both_and_logged_once(
    office: Office, alice: Person, caplog: pytest.LogCaptureFixture
) -> None:
    office.simulated.auto_approve(alice)
    tables = {"alice": {"name": "Alice"}, "bob": {"name": "Bob"}, "team": {"watch": [BOB]}}
    async with office.open(tables) as opened:
        for slug in tables:
            opened[slug].credentials.request()
            async with asyncio.timeout(20):
                while opened[slug].sign_in.value.state is not SIGNED_IN:
                    await office.clock.advance(5)
                    await asyncio.sleep(0.01)  # for the worker
        shown = {slug: opened[slug].sign_in.value for slug in tables}
        assert {slug: each.also_on for slug, each in shown.items()} == {
            "alice": ("Bob",),
            "bob": ("Alice",),
            "team": (),  # whoever reads others may well follow themselves
        }
        assert all(each.signed_in_as == ALICE for each in shown.values())
        assert caplog.text.count("signed in with one Microsoft account") == 1
        await opened["bob"].credentials.sign_out()
        assert opened["alice"].sign_in.value.also_on == ()
