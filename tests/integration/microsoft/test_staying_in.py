"""Staying signed in: silent tokens, refreshes, bad moments, and the end of a sign-in."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from bridge.config import logs
from bridge.config.tables.config import Config
from bridge.contract.account import SignInState
from bridge.contract.errors import PresenceBridgeError, SignInNeededError, SourceUnavailableError
from bridge.microsoft.connections import aiohttp_client
from bridge.microsoft.sign_in.access_token import EARLY_S, RETRY_S
from bridge.microsoft.sign_in.expected_person import Expected
from bridge.microsoft.sign_in.msal_client import MsalWorkers
from bridge.microsoft.sign_in.person import PersonSignIn
from bridge.microsoft.sign_in.registration import PublicApp
from bridge.microsoft.sign_in.remedies import YOU
from bridge.microsoft.sign_in.token_cache import TokenCache
from tests.fakes.clock import ManualClock
from tests.fakes.hasty_http import Hasty
from tests.fakes.microsoft import ScriptedMicrosoft
from tests.fakes.microsoft.directory import Household, Person
from tests.fakes.microsoft.faults import Cut, Fault, Nonsense
from tests.integration.microsoft.conftest import SHORT_S, Bridge, Start

REFRESH = "token.refresh_token"


@pytest.fixture
def short_tokens(microsoft: ScriptedMicrosoft) -> None:
    microsoft.tokens.expires_in_s = SHORT_S


async def test_a_restart_asks_graph_and_nobody_else(
    start: Start, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    microsoft.requests.clear()
    async with start() as again:
        assert "alice" in await again.account.read()
        assert again.account.sign_in.value.state is SignInState.SIGNED_IN
    assert [entry.endpoint for entry in microsoft.requests.of()] == ["me.presence"]


async def test_a_file_of_the_last_release_costs_one_look_at_discovery(
    start: Start, alice: Person, microsoft: ScriptedMicrosoft, cache_file: Path
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    kinds = stored(cache_file)
    for entry in kinds["AccessToken"].values():
        del entry["authority"]
    write(cache_file, json.dumps(kinds))
    for asked in (["discovery", "me.presence"], ["me.presence"]):
        microsoft.requests.clear()
        async with start() as again:
            assert "alice" in await again.account.read()
        assert [entry.endpoint for entry in microsoft.requests.of()] == asked


READ_ONCE = """
import asyncio, sys
from bridge.config.tables.config import Config
from bridge.contract.clock import SystemClock
from bridge.microsoft import Microsoft

async def main(config):
    async with Microsoft(config, SystemClock()) as microsoft:
        print(*await microsoft.account("alice").read_once(), "msal" in sys.modules)

asyncio.run(main(Config.model_validate_json(sys.argv[1])))
"""


@pytest.mark.parametrize("ended", [False, True])
async def test_msal_is_loaded_when_it_is_needed(
    start: Start,
    config: Config,
    alice: Person,
    microsoft: ScriptedMicrosoft,
    ended: bool,  # noqa: FBT001 - a case
) -> None:
    if ended:
        microsoft.tokens.expires_in_s = SHORT_S
    async with start() as running:
        await running.sign_in(alice)
    program = sys.executable, "-c", READ_ONCE, config.model_dump_json(exclude_unset=True)
    child = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    said, _ = await child.communicate()
    assert said.decode().split() == ["alice", str(ended)]


async def test_a_stored_token_that_is_refused_is_renewed(
    start: Start, alice: Person, microsoft: ScriptedMicrosoft
) -> None:
    async with start() as running:
        await running.sign_in(alice)
    async with start() as again:
        microsoft.tokens.revoke_access(alice.oid)
        assert "alice" in await again.account.read()
    assert microsoft.requests.count(REFRESH) == 1


async def test_a_token_is_used_until_it_is_about_to_end(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    microsoft.requests.clear()
    for _ in range(5):
        await alices.account.read()
        await clock.advance((3600 - EARLY_S - 1) / 5)
    assert microsoft.requests.count("identity") == 0


@pytest.mark.usefixtures("short_tokens")
async def test_every_refresh_token_is_on_disk_before_it_is_needed(
    start: Start,
    alice: Person,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    cache_file: Path,
) -> None:
    microsoft.tokens.single_use = True
    async with start() as running:
        await running.sign_in(alice)
        for _ in range(3):
            before = stored_refresh_token(cache_file)
            await clock.advance(SHORT_S / 2)
            await running.account.read()
            assert stored_refresh_token(cache_file) != before
    async with start() as again:
        assert "alice" in await again.account.read()
    assert microsoft.requests.count(REFRESH) == 4
    used = [entry.body.decode() for entry in microsoft.requests.of(REFRESH)]
    assert len({parse_qs(body)["refresh_token"][0] for body in used}) == 4


def stored(cache_file: Path) -> dict[str, Any]:
    text = cache_file.read_text(encoding="utf-8") if cache_file.exists() else "{}"
    kinds: dict[str, Any] = json.loads(text)
    return kinds


def write(cache_file: Path, text: str) -> None:
    cache_file.write_text(text, encoding="utf-8")


def stored_refresh_token(cache_file: Path) -> str:
    (entry,) = stored(cache_file)["RefreshToken"].values()
    return str(entry["secret"])


BAD_MOMENTS = [
    Fault(REFRESH, status=503),
    Fault(REFRESH, status=429, retry_after=30),
    Fault(REFRESH, aadsts=90033),
    Fault(REFRESH, aadsts=50196),
    Fault(REFRESH, cut=Cut.BEFORE_HEADERS),
    Fault(REFRESH, cut=Cut.IN_BODY),
    *(Fault(REFRESH, nonsense=kind) for kind in Nonsense),
    Fault("discovery", status=500),
]
each_bad_moment = pytest.mark.parametrize(
    "fault",
    BAD_MOMENTS,
    ids=lambda fault: f"{fault.endpoint}-{fault.nonsense or fault.cut or fault.aadsts or ''}",
)


@each_bad_moment
@pytest.mark.usefixtures("short_tokens")
async def test_an_ageing_token_that_is_still_good_outlives_a_bad_moment(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, fault: Fault
) -> None:
    old = await alices.account.credentials.token()
    await clock.advance(SHORT_S / 2)
    microsoft.faults.add(fault)
    assert await alices.account.credentials.token() == old
    assert not microsoft.faults.waiting
    assert "alice" in await alices.account.read()
    assert alices.account.sign_in.value.state is SignInState.SIGNED_IN

    await clock.advance(RETRY_S)
    assert await alices.account.credentials.token() != old


async def test_what_was_to_be_renewed_early_is_kept_too(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock, alice: Person
) -> None:
    microsoft.tokens.refresh_in_s = 0
    await alices.sign_in(alice)
    old = await alices.account.credentials.token()
    await clock.advance(3600 - EARLY_S)
    microsoft.faults.add(Fault(REFRESH, status=503))
    assert await alices.account.credentials.token() == old
    assert not microsoft.faults.waiting
    await clock.advance(RETRY_S)
    assert await alices.account.credentials.token() != old


@pytest.mark.usefixtures("short_tokens")
async def test_a_token_that_has_ended_is_not_used_and_nobody_is_asked_to_sign_in(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    await clock.advance(SHORT_S)
    microsoft.faults.add(Fault(REFRESH, status=503), Fault(REFRESH, aadsts=90033))
    for _ in range(2):
        with pytest.raises(SourceUnavailableError, match=r"sign-in (fails|has a bad moment)"):
            await alices.account.read()
    assert microsoft.requests.count("me.presence") == 0
    assert alices.account.sign_in.value.state is SignInState.SIGNED_IN
    assert "alice" in await alices.account.read()


@pytest.mark.usefixtures("short_tokens")
async def test_a_token_endpoint_that_does_not_answer_is_given_up(
    impatient: PersonSignIn, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    old = await impatient.token()
    await clock.advance(SHORT_S / 2)
    microsoft.faults.add(Fault(REFRESH, delay_s=3600))
    async with asyncio.timeout(5):
        assert await impatient.token() == old
    await clock.advance(RETRY_S)
    assert await impatient.token() != old


@pytest.fixture
async def impatient(
    alices: Bridge, config: Config, cache_file: Path, clock: ManualClock
) -> AsyncIterator[PersonSignIn]:
    """Alice's tokens once more, by a start that waits a second for an answer."""
    with ThreadPoolExecutor(1) as executor:
        async with aiohttp_client(config.network) as http:
            yield PersonSignIn(
                Expected("alice", "alice"),
                app=PublicApp(
                    str(config.microsoft.client_id),
                    f"{config.microsoft.login_url}/{config.microsoft.tenant}",
                ),
                workers=MsalWorkers(Hasty(http, 1.0), executor, clock),
                cache=TokenCache(cache_file),
                clock=clock,
            )


@pytest.mark.usefixtures("short_tokens")
async def test_many_who_need_a_token_at_once_cause_one_refresh(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    await clock.advance(SHORT_S / 2)
    credentials = alices.account.credentials
    tokens = await asyncio.gather(*(credentials.token() for _ in range(16)))
    assert len(set(tokens)) == 1
    assert microsoft.requests.count(REFRESH) == 1


@pytest.mark.parametrize(
    "ending",
    [
        (50173, "Sign in again."),
        (700082, "Sign in again."),
        (70043, "Sign in again; your admin knows the sign-in frequency."),
    ],
)
@pytest.mark.usefixtures("short_tokens")
async def test_a_revoked_sign_in_is_reported_once_with_its_remedy(
    alices: Bridge,
    microsoft: ScriptedMicrosoft,
    home: Household,
    caplog: pytest.LogCaptureFixture,
    ending: tuple[int, str],
) -> None:
    code, words = ending
    microsoft.revoke(home.person, code=code)
    for _ in range(3):
        with pytest.raises(SignInNeededError, match=words):
            await alices.account.read()
    told = alices.account.sign_in.value
    assert told.state is SignInState.EXPIRED
    assert (told.remedy, told.who) == (words, YOU)
    assert f"AADSTS{code}" in str(told.message)
    assert told.correlation_id
    assert caplog.text.count(words) == 1
    assert microsoft.requests.count(REFRESH) == 1
    await alices.sign_in(home.person)
    assert "alice" in await alices.account.read()


@pytest.mark.usefixtures("short_tokens")
async def test_a_policy_against_device_codes_ends_the_sign_in_and_names_the_admin(
    alices: Bridge, clock: ManualClock, home: Household
) -> None:
    home.tenant.device_code_blocked = True
    await clock.advance(SHORT_S)
    with pytest.raises(SignInNeededError, match="admin"):
        await alices.account.read()
    assert alices.account.sign_in.value.state is SignInState.ERROR


@pytest.mark.usefixtures("short_tokens")
async def test_a_new_sign_in_leaves_nothing_of_the_revoked_one(
    start: Start,
    alices: Bridge,
    microsoft: ScriptedMicrosoft,
    alice: Person,
    cache_file: Path,
) -> None:
    revoked = stored_refresh_token(cache_file)
    microsoft.revoke(alice)
    await alices.sign_in(alice)
    assert stored_refresh_token(cache_file) != revoked
    async with start() as again:
        assert "alice" in await again.account.read()


@pytest.mark.usefixtures("short_tokens")
async def test_a_code_stays_shown_when_the_old_sign_in_ends_meanwhile(
    alices: Bridge, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    code = await alices.code()
    microsoft.revoke(alice)
    with pytest.raises(SignInNeededError):
        await alices.account.read()
    assert alices.account.sign_in.value.user_code == code
    microsoft.approve(code, alice)
    await alices.poll()
    await alices.until(SignInState.SIGNED_IN)


async def test_a_sign_out_forgets_the_token_and_the_file(
    alices: Bridge, cache_file: Path, microsoft: ScriptedMicrosoft, alice: Person
) -> None:
    await alices.account.credentials.sign_out()
    assert not stored(cache_file)
    assert alices.account.sign_in.value.state is SignInState.SIGNED_OUT
    with pytest.raises(SignInNeededError, match="Nobody is signed in"):
        await alices.account.read()
    assert microsoft.requests.count("me.presence") == 0
    await alices.sign_in(alice)
    assert "alice" in await alices.account.read()


@pytest.mark.usefixtures("short_tokens")
async def test_no_token_is_ever_logged_or_shown(
    start: Start,
    microsoft: ScriptedMicrosoft,
    clock: ManualClock,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, "msal")  # as the product's logs do
    told: list[str] = []
    async with start() as running:
        microsoft.faults.add(Fault("token.device_code", status=503))
        code = await running.code()
        await running.poll()
        await clock.until_asleep()
        microsoft.approve(code, alice)
        await running.poll(10)
        await running.until(SignInState.SIGNED_IN)
        faults = (
            Fault("me.presence", status=401, times=2),
            Fault(REFRESH, body=b'{"access_token": "cut-off-secret'),
            Fault(REFRESH, status=503),
            Fault(REFRESH, aadsts=50173),
        )
        for fault in faults:
            await clock.advance(SHORT_S)
            microsoft.faults.add(fault)
            with pytest.raises(PresenceBridgeError) as caught:
                await running.account.read()
            told.append(repr(caught.value) + str(caught.value))
    assert len(told) == 4
    formatter = logs.TextFormatter(stamped=False)
    logged = "\n".join(map(formatter.format, caplog.records))
    ours = [record for record in caplog.records if record.name.startswith("bridge")]
    secrets = ["cut-off-secret", *microsoft.tokens._access, *microsoft.tokens._refresh]
    secrets += microsoft.codes._codes
    assert len(secrets) > 5
    for secret in secrets:
        assert secret not in logged
        assert all(secret not in record.getMessage() for record in ours)
        assert secret not in "".join(told)
        assert secret not in str(running.account.sign_in.value)


async def test_our_tokens_are_ones_that_microsoft_may_end_at_once(
    alices: Bridge, microsoft: ScriptedMicrosoft, clock: ManualClock
) -> None:
    for _ in range(2):
        token = microsoft.tokens.access(await alices.account.credentials.token())
        assert token is not None
        assert token.continuous
        await clock.advance(3600)
